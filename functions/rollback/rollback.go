// Package rollback points a source's launch templates and alias back at an
// earlier image, for a person who asks, and holds them there until somebody
// lets them follow again. It hands the names of sources over as well.
package rollback

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"

	"goldsmith/shared/event"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/lineage"
	"goldsmith/shared/report"
	"goldsmith/shared/rollout"
	"goldsmith/shared/source"
)

// ec2API reads and writes launch templates, and says how images and sources are.
type ec2API interface {
	rollout.Reader
	rollout.Templates
	source.Lister
}

// parametersAPI is Parameter Store as far as aliases need it.
type parametersAPI interface {
	rollout.Parameters
	rollout.Values
}

// ledgerAPI remembers what targets pointed at.
type ledgerAPI interface {
	rollout.Ledger
	rollout.Records
	rollout.Home
}

// people hear of what was done.
type people interface {
	Alert(ctx context.Context, a report.Alert) error
}

// scalingAPI tells which groups there are, and which instances are their members.
type scalingAPI interface {
	lineage.Groups
	autoscaling.DescribeAutoScalingInstancesAPIClient
}

// Step rolls back.
type Step struct {
	EC2         ec2API
	AutoScaling scalingAPI
	SSM         parametersAPI
	Ledger      ledgerAPI
	People      people
	Refreshes   Fleet
	// Home is the suite's own Region, Afar another one.
	Home string
	Afar func(region string) Afar
	Now  func() time.Time
}

func (s Step) writer() rollout.Writer {
	return rollout.Writer{
		Finder:    rollout.Finder{EC2: s.EC2, Groups: s.AutoScaling, Parameters: s.SSM, Ledger: s.Ledger, Now: s.Now},
		Templates: s.EC2, Values: s.SSM, Records: s.Ledger,
	}
}

// Answer says what a rollback did.
type Answer struct {
	Name string `json:"name,omitempty"`
	// Dry is set when nothing was done.
	Dry     bool     `json:"dry,omitempty"`
	Targets []Result `json:"targets,omitempty"`
	// Handover is set when a name was to be handed over.
	Handover *Handover `json:"handover,omitempty"`
	// More is how many targets there was no time for; asked again with after set to After, they are next.
	More  int    `json:"more,omitempty"`
	After string `json:"after,omitempty"`
	// Unread are the aliases that do not read yet as they were written: groups that launch from them are refreshed by who
	// asks again, in a moment.
	Unread []string `json:"unread,omitempty"`
	// Untold is why no channel took the message: nobody but who asked knows of it.
	Untold string `json:"untold,omitempty"`
	// Ignored says why the event rolls nothing back.
	Ignored string `json:"ignored,omitempty"`
}

// Result is what became of a launch template or alias. Version and Previous are where it points
// and pointed; Problem says why it was left where it is.
type Result struct {
	job.Rolled
	// Region is that of what copies were rolled into; empty at home.
	Region string `json:"region,omitempty"`
	// There is whether it pointed there already.
	There bool `json:"there,omitempty"`
	// groupsAPI are the Auto Scaling groups whose instance refresh is rolled back.
	Groups []string `json:"groups,omitempty"`
	// Refreshed are those that an instance refresh takes back, begun now or since it went back.
	Refreshed []string `json:"refreshed,omitempty"`
	// Follows is whether it takes new images again.
	Follows bool `json:"follows,omitempty"`
}

// Handle rolls back what the event names. It refuses before anything is
// changed; a target that fails later is told, and the others go on.
func (s Step) Handle(ctx context.Context, raw json.RawMessage) (Answer, error) {
	decoded, err := event.Decode(raw, event.Home{})
	if err != nil {
		return Answer{}, &fault.Failed{Err: err, Do: "Nothing was changed."}
	}
	switch asked := decoded.(type) {
	case event.Rollback:
		return s.rollback(ctx, asked)
	case event.Handover:
		return s.handOver(ctx, asked)
	default:
		return Answer{Ignored: fmt.Sprintf("%T rolls nothing back", decoded)}, nil
	}
}

// of writes what becomes of a target, in its Region.
func (s Step) of(t *target) rollout.Writer {
	if t.at != nil {
		return *t.at
	}
	return s.writer()
}

func (s Step) rollback(ctx context.Context, asked event.Rollback) (Answer, error) {
	known, err := s.known(ctx, asked)
	if err != nil {
		return Answer{}, err
	}
	answer, done, err := s.home(ctx, asked, known)
	if err == nil && answer.More == 0 && s.Afar != nil {
		var more []*target
		more, err = s.afar(ctx, asked, known, done, &answer)
		done = append(done, more...)
	}
	if err == nil && !asked.Follow && !asked.Dry {
		answer.Untold, err = s.notify(ctx, asked, done)
	}
	if err != nil {
		return Answer{}, err
	}
	for _, t := range done {
		answer.Targets = append(answer.Targets, t.Result)
	}
	return answer, nil
}

// home rolls back what is at home. Of what earlier calls have done there nothing is left.
func (s Step) home(
	ctx context.Context, asked event.Rollback, known []*rollout.Target,
) (answer Answer, done []*target, err error) {
	answer = Answer{Name: asked.Name, Dry: asked.Dry}
	if strings.HasPrefix(asked.After, farAfter) {
		return answer, nil, nil
	}
	targets, err := s.targets(ctx, asked, known)
	if err != nil {
		return answer, nil, err
	}
	if !asked.Follow {
		if err := s.launchable(ctx, asked, targets, known); err != nil {
			return answer, nil, err
		}
	}
	if asked.Dry {
		return answer, targets, nil
	}
	n, unread, err := s.each(ctx, asked, targets, known)
	if err != nil {
		return answer, nil, err
	}
	answer.Unread = unread
	if answer.More = len(targets) - n; answer.More > 0 {
		answer.After = targets[n-1].Target
	}
	return answer, targets[:n], nil
}

// each goes through the targets while there is time, and says how many it has done, and which aliases do not read yet
// as they were written. known are all targets of the name.
func (s Step) each(
	ctx context.Context, asked event.Rollback, targets []*target, known []*rollout.Target,
) (done int, unread []string, err error) {
	round, w := s.Refreshes.Round(), s.writer().Remembering()
	for done < len(targets) && (done == 0 || !rollout.Late(ctx)) {
		if asked.Follow {
			err = s.follow(ctx, targets[done], asked)
		} else {
			err = s.one(ctx, w, targets[done], asked)
		}
		if err != nil {
			return done, nil, err
		}
		done++
	}
	if !asked.Follow {
		s.instances(ctx, round, targets[:done], asked)
	}
	if !asked.Follow && done == len(targets) { // What is not led back yet is by the next call.
		s.others(ctx, round, targets, known)
	}
	return done, round.waits, nil
}

// follow lets a target take new images again.
func (s Step) follow(ctx context.Context, t *target, asked event.Rollback) (err error) {
	if t.Problem = t.known.Rolled.Problem; t.Problem != "" {
		return nil
	}
	t.Follows, err = s.of(t).Follow(ctx, t.known, asked.By)
	return err
}
