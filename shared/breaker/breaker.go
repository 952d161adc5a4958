// Package breaker knows when nothing more may be stopped: while a source is down beyond
// its patience. The ledger's marks say which to look at, their claims say why; a mark
// whose claim is lost counts until the sweep has seen its source running, or gone.
package breaker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/report"
)

// Reader is the ledger as far as looking needs it.
type Reader interface {
	Marks
	Claims(ctx context.Context) iter.Seq2[ledger.Claim, error]
}

// Marks says which sources are marked as down.
type Marks interface {
	Slots(ctx context.Context, plan string) iter.Seq2[ledger.Slot, error]
}

// Ledger is the ledger as far as marking needs it.
type Ledger interface {
	Record(ctx context.Context, c ledger.Claim) error
	Take(ctx context.Context, s ledger.Slot, before time.Time) (bool, error)
}

// Freer gives slots up.
type Freer interface {
	Free(ctx context.Context, s ledger.Slot) error
}

// Block is a source that is down beyond its patience.
type Block struct {
	Claim ledger.Claim
	// Holds is what must not be stopped meanwhile.
	Holds Scope
	// Denied is whether it is back, and only the sweep could start it: function start may not.
	Denied bool
	// Exempt is who has said, and when, that others need not wait for it; nil when that was not said.
	Exempt *ledger.Slot
}

// Of is what a claim holds back, whose source is down beyond its patience.
func Of(c ledger.Claim) Block { return Block{Claim: c, Holds: scopeOf(c)} }

// Open are the sources that are down beyond their patience. Mostly there is none, and one
// small read says so.
func Open(ctx context.Context, l Reader) ([]Block, error) {
	marks, exempt, open, err := marked(ctx, l)
	if err != nil || len(marks) == 0 {
		return open, err
	}
	for c, err := range l.Claims(ctx) {
		var unreadable *ledger.UnreadableError
		mark, down := marks[c.Source]
		switch {
		case errors.As(err, &unreadable):
			// What it says cannot be read; that the source is down, its mark says.
			c = ledger.Claim{Source: c.Source, Name: mark.Name, Run: mark.Run, StopSent: mark.Since,
				Problem: unread}
		case err != nil:
			return nil, fmt.Errorf("reading why it is down: %w", err)
		}
		if down && (c.Run == mark.Run || mark.Run == "") {
			open = append(open, Block{Claim: c, Holds: scopeOf(c), Exempt: exempt[c.Source+" "+c.Run]})
		}
		delete(marks, c.Source)
	}
	return append(open, unclaimed(marks, exempt)...), nil
}

// unclaimed are the sources whose marks have no claim.
func unclaimed(marks map[string]ledger.Slot, exempt map[string]*ledger.Slot) (open []Block) {
	for _, id := range slices.Sorted(maps.Keys(marks)) {
		mark := marks[id]
		if mark.Run == "" {
			continue // It cannot be read, and nothing else says that its source is down: the sweep tells of it.
		}
		c := ledger.Claim{Source: id, Name: mark.Name, Run: mark.Run, StopSent: mark.Since, Problem: lost}
		open = append(open, Block{Claim: c, Holds: scopeOf(c), Exempt: exempt[id+" "+mark.Run]})
	}
	return open
}

// lost is what is known of a source whose mark is there and whose claim is not.
const lost = "its claim is lost"

// unread is what keeps down a source of which the claim says nothing.
const unread = "its claim cannot be read"

// marked are the sources that are marked as down, by source and run who has exempted one, and what function start may
// not start.
func marked(ctx context.Context, l Marks) (marks map[string]ledger.Slot, exempt map[string]*ledger.Slot,
	denied []Block, err error) {
	marks, exempt = map[string]ledger.Slot{}, map[string]*ledger.Slot{}
	for s, err := range l.Slots(ctx, ledger.EveryPlan) {
		if mark, ok := unreadMark(err); ok {
			s, err = mark, nil
		}
		if err != nil {
			return nil, nil, nil, fmt.Errorf("reading who is down: %w", err)
		}
		switch s.Kind {
		case ledger.Downs:
			if IsDenial(s) {
				denied = append(denied, deniedBy(s))
				continue
			}
			marks[s.Source] = s
		case ledger.Exempt:
			exempt[s.Source+" "+s.Run] = &s
		case ledger.Places, ledger.Turns, ledger.Stops, ledger.Members, ledger.Starts: // These say nothing of who is down.
		}
	}
	return marks, exempt, denied, nil
}

// unreadMark is a mark that cannot be read: whose it is, its key says, but not of which run. An exemption that cannot
// be read is none.
func unreadMark(err error) (ledger.Slot, bool) {
	var unreadable *ledger.UnreadableError
	if !errors.As(err, &unreadable) {
		return ledger.Slot{}, false
	}
	key := unreadable.Record[strings.LastIndex(unreadable.Record, ledger.EveryPlan+"#")+1:]
	kind, id, _ := strings.Cut(strings.TrimPrefix(key, "#"), "#")
	switch ledger.SlotKind(kind) {
	case ledger.Downs:
		return ledger.Slot{Kind: ledger.Downs, Source: id}, true
	case ledger.Exempt:
		return ledger.Slot{}, true
	default:
		return ledger.Slot{}, false
	}
}

// Against is why the job's source must not be stopped; nil when it may be. Those that a person has exempted are to be
// told with it.
func Against(ctx context.Context, l Reader, j job.Job) (held *job.Reason, exempted []job.Reason, err error) {
	open, err := Open(ctx, l)
	if err != nil {
		return nil, nil, err
	}
	block, exempted := Standing(open, j)
	if block != nil {
		return block.Reason(), nil, nil
	}
	return nil, exempted, nil
}

// Standing is the block that forbids to stop the job's source; nil when none does. Those that a person has exempted
// are to be told with it.
func Standing(open []Block, j job.Job) (held *Block, exempted []job.Reason) {
	for _, b := range open {
		switch {
		case !b.stands(j):
		case b.Exempt != nil:
			exempted = append(exempted, job.Reason{Code: job.BreakerExempt, Text: b.passed()})
		default:
			return &b, nil
		}
	}
	return nil, exempted
}

// Reason is why what it holds back is not stopped.
func (b Block) Reason() *job.Reason {
	return &job.Reason{Code: job.BreakerOpen, Text: b.Why() + ". " + b.Do()}
}

func (b Block) stands(j job.Job) bool {
	c := b.Claim
	if c.Source == j.Source.ID && !b.Denied {
		return false
	}
	switch b.Holds {
	case Account:
		return true
	case Pool:
		return c.InstanceType == j.Source.InstanceType && c.Zone == j.Source.Zone
	case Host:
		return c.Host == j.Source.Host
	default:
		return c.Plan == "" || c.Plan == j.Run.Plan
	}
}

// Why names the source that is down, and the reason.
func (b Block) Why() string {
	c := b.Claim
	if b.Denied {
		return fmt.Sprintf("function start may not start instances: it was denied to start %s, which the sweep has "+
			"started at %s",
			report.Label(c.Name, c.Source), job.UTC(c.StopSent))
	}
	why := strings.TrimSuffix(cmp.Or(c.Problem, "it has not come back"), ".") // It goes into a sentence.
	of, since := "", ""
	if c.Plan != "" { // Else its claim cannot be read.
		of = " of plan " + c.Plan
	}
	if !c.StopSent.IsZero() { // Else its mark cannot be read either.
		since = " since " + job.UTC(c.StopSent)
	}
	return fmt.Sprintf("%s%s is down%s: %s", report.Label(c.Name, c.Source), of, since, why)
}

// Held is what must not be stopped meanwhile, as the subject of a sentence: "Nothing more of any plan".
func (b Block) Held() string { return b.Holds.nothing(b.Claim) }

// Do says what is not stopped meanwhile, and what a person does about that.
func (b Block) Do() string {
	return b.Held() + " is stopped until " + b.Until() + ". " + b.Remedy() + " " + b.Otherwise()
}

// Until is when it holds nothing back any more, as the end of a sentence.
func (b Block) Until() string {
	if b.Denied {
		return "function start may start that again, which each run asks first"
	}
	return "it runs again"
}

// Remedy is what a person does about what keeps it down, in a sentence.
func (b Block) Remedy() string {
	c := b.Claim
	switch {
	case c.Problem == lost:
		return "See that it runs, or start it: aws ec2 start-instances --instance-ids " + c.Source + "."
	case c.Problem == unread:
		return `Remove that record: operations guide, "A record cannot be read".`
	case c.RefusedBy == busy, fault.BusyCode(fault.StateCode(c.RefusedBy)):
		return "Wait: AWS is busy. If it lasts, see what else in the account makes so many calls."
	default:
		return cmp.Or(fault.Remedy(fault.StateCode(c.RefusedBy)), "Look at it in the EC2 console.")
	}
}

// Otherwise is what a person does who does not want others to wait for it, in a sentence.
func (b Block) Otherwise() string {
	return "Or have the others not wait for it: goldsmith exempt " + b.Claim.Source
}

// passed says who does not want others to wait for it.
func (b Block) passed() string {
	return fmt.Sprintf("%s has exempted %s at %s, so that others do not wait for it. %s",
		b.Exempt.By, report.Label(b.Claim.Name, b.Claim.Source), job.UTC(b.Exempt.Since), b.Why())
}

// Exemption is the slot by which a person exempts it.
func (b Block) Exemption(by string, now time.Time) ledger.Slot {
	c := b.Claim
	return ledger.Slot{
		Plan: ledger.EveryPlan, Kind: ledger.Exempt, ID: c.Source, Source: c.Source, Name: c.Name, Run: c.Run,
		Since: now, By: by,
	}
}

const (
	// patience is how long EC2 may refuse a start before others are kept from being stopped.
	patience = 5 * time.Minute
)

// Refused notes in the claim that EC2 does not start its source, with EC2's code, and opens
// the breaker once that has lasted, or at once when trying again cannot help.
func Refused(ctx context.Context, l Ledger, c ledger.Claim, code, problem string, now time.Time) (ledger.Claim,
	error) {
	if c.Refused.IsZero() {
		c.Refused = now
	}
	c.RefusedLast, c.RefusedBy, c.Problem = now, code, problem
	if err := l.Record(ctx, c); err != nil {
		return c, fmt.Errorf("recording what keeps it down: %w", err)
	}
	if !lasts(code) && now.Sub(c.Refused) < patience {
		return c, nil
	}
	return c, Mark(ctx, l, c)
}

// Mark opens the breaker for a claim's source.
func Mark(ctx context.Context, l Ledger, c ledger.Claim) error {
	if _, err := l.Take(ctx, mark(c.Source, c.Run, c.Name, c.StopSent), c.Since); err != nil {
		return fmt.Errorf("marking %s as down: %w", c.Source, err)
	}
	return nil
}

// Clear closes the breaker for a source that was seen running, or gone.
func Clear(ctx context.Context, l Freer, source, run string) error {
	if err := l.Free(ctx, mark(source, run, "", time.Time{})); err != nil {
		return fmt.Errorf("clearing the mark of %s: %w", source, err)
	}
	return nil
}

func mark(source, run, name string, since time.Time) ledger.Slot {
	return ledger.Slot{Plan: ledger.EveryPlan, Kind: ledger.Downs, ID: source, Source: source, Name: name, Run: run,
		Since: since}
}
