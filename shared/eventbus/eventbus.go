// Package eventbus knows which events tell programs of runs and images, and how they come onto the account's default
// event bus. Their shapes are documented in events/README.md and held to events/schemas.
package eventbus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	smithytime "github.com/aws/smithy-go/time"

	"goldsmith/shared/ledger"
	"goldsmith/shared/report"
	"goldsmith/shared/settings"
)

// Source is the source of all events of Goldsmith's own.
const Source = "goldsmith"

// putter calls EventBridge.
type putter interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput,
		error)
}

// runs remembers which events of a run were sent, where not all could be.
type runs interface {
	GetRun(ctx context.Context, name string) (r ledger.Run, ok bool, err error)
	PutRun(ctx context.Context, r ledger.Run) error
}

// Bus sends events to the default event bus.
type Bus struct {
	Events putter
	Runs   runs
	Now    func() time.Time
}

// Wire makes the channel of a function.
func Wire(s settings.Settings) Bus {
	return Bus{Events: eventbridge.NewFromConfig(s.AWS), Runs: s.Ledger, Now: s.Now}
}

// Report sends an event of each image that became available and passed its checks, and one of the run, whatever
// outcomes the plan's people want to hear of. What was sent is not sent again by who tries again after a failure.
func (b Bus) Report(ctx context.Context, r report.Report) (sent bool, err error) {
	name := "events of " + r.Run // No execution can have this name.
	known, _, err := b.Runs.GetRun(ctx, name)
	if err != nil {
		return false, fmt.Errorf("looking which events of run %s were sent: %w", r.Run, err)
	}
	left := slices.DeleteFunc(of(r), func(e event) bool { return slices.Contains(known.Sent, e.subject) })
	went, err := b.put(ctx, left)
	if err == nil {
		return true, nil
	}
	if len(went) > 0 {
		known.Name, known.Scheduled, known.Sent = name, r.Scheduled, append(known.Sent, went...)
		err = errors.Join(err, b.remember(ctx, known))
	}
	return false, err
}

// noting bounds the writing down of what was sent: the time of the sending may be up.
const noting = 2 * time.Second

func (b Bus) remember(ctx context.Context, sent ledger.Run) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noting)
	defer cancel()
	return b.Runs.PutRun(ctx, sent)
}

// Alert sends an event of an alert.
func (b Bus) Alert(ctx context.Context, a report.Alert) (sent bool, err error) {
	_, err = b.put(ctx, []event{noticed(a)})
	return err == nil, err
}

// What one call takes (API reference, PutEvents; user guide, "Calculating PutEvents event entry size"): ten entries,
// and less than 256 KB of source, detail type, detail and resources in all.
const (
	mostEntries = 10
	mostBytes   = 256<<10 - 1
)

// size is what of an event counts towards the length of its call.
func (e event) size() int {
	return len(*e.entry.Source) + len(*e.entry.DetailType) + len(*e.entry.Detail) + len(strings.Join(e.entry.Resources,
		""))
}

// put sends events, as many in a call as it takes, and gives the subjects of those that went.
func (b Bus) put(ctx context.Context, all []event) (went []string, err error) {
	for len(all) > 0 {
		n, size := 0, 0
		for n < len(all) && n < mostEntries && size+all[n].size() <= mostBytes {
			size += all[n].size()
			n++
		}
		n = max(n, 1) // One that is too long for any call is refused by EventBridge, in its own words.
		some, err := b.persist(ctx, all[:n])
		went = append(went, some...)
		if err != nil {
			return went, err
		}
		all = all[n:]
	}
	return went, nil
}

// tries is how often entries are sent that EventBridge did not take for a reason that passes.
const tries = 4

// persist sends the events of one call until EventBridge has taken each of them.
func (b Bus) persist(ctx context.Context, events []event) (went []string, err error) {
	for try := 1; ; try++ {
		failed, passes, err := b.once(ctx, events)
		if errors.Is(err, errCall) {
			return went, err
		}
		for _, e := range events {
			if !slices.ContainsFunc(failed, func(f event) bool { return f.subject == e.subject }) {
				went = append(went, e.subject)
			}
		}
		if err == nil || !passes || try == tries || smithytime.SleepWithContext(ctx, time.Second<<(try-1)) != nil {
			return went, err
		}
		events = failed
	}
}

// errCall is that of a call which failed as a whole.
var errCall = errors.New("events were not sent")

// once makes one call. A call that succeeds may have taken some entries only: those that failed stand in its answer, in
// the order of the request.
func (b Bus) once(ctx context.Context, events []event) (failed []event, passes bool, err error) {
	answer, err := b.Events.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries(events)})
	if err != nil {
		return events, false, fmt.Errorf("%w: %w", errCall, err)
	}
	if len(answer.Entries) != len(events) {
		return events, false, fmt.Errorf("%w: EventBridge answered %d entries for %d", errCall, len(answer.Entries),
			len(events))
	}
	if answer.FailedEntryCount == 0 {
		return nil, false, nil
	}
	passes = true
	var problems []error
	for i, e := range answer.Entries {
		code := aws.ToString(e.ErrorCode)
		if code == "" {
			continue
		}
		failed = append(failed, events[i])
		passes = passes && (code == "InternalFailure" || code == "ThrottlingException")
		problems = append(problems, fmt.Errorf("EventBridge did not take the event of %s: %s: %s", events[i].subject,
			code, aws.ToString(e.ErrorMessage)))
	}
	return failed, passes, errors.Join(problems...)
}

func entries(events []event) (all []types.PutEventsRequestEntry) {
	for _, e := range events {
		all = append(all, e.entry)
	}
	return all
}
