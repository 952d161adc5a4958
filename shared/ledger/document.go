package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"goldsmith/shared/job"
)

// encode is the form in which both stores keep a record. One JSON string is
// smaller than an attribute a field, and a new field changes no table.
func encode(v any) (string, error) {
	doc, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encoding %T: %w", v, err)
	}
	return string(doc), nil
}

func decode[T any](doc string) (T, error) {
	var v T
	if err := json.Unmarshal([]byte(doc), &v); err != nil {
		return v, fmt.Errorf("decoding %T: %w", v, err)
	}
	return v, nil
}

// heldBy is the stored claim when run holds it, and *HeldError when it does not.
func heldBy(run, doc string) (Claim, error) {
	stored, err := decode[Claim](doc)
	if err != nil {
		return Claim{}, err
	}
	if stored.Run != run {
		return Claim{}, &HeldError{Source: stored.Source, By: stored}
	}
	return stored, nil
}

// toldRun is the record of a run. doc is empty when only Notified wrote to it, and
// its own Told counts for nothing.
func toldRun(name, doc string, told time.Time) (r Run, err error) {
	r.Name = name
	if doc != "" {
		r, err = decode[Run](doc)
	}
	r.Told = told
	return r, err
}

// record is a document and the sort key that it lies under.
type record struct{ sort, doc string }

// each decodes documents, each on its own.
func each[T any](records iter.Seq2[record, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for r, err := range records {
			var v T
			if err == nil {
				if v, err = decode[T](r.doc); err != nil {
					err = &UnreadableError{Record: r.sort, Err: err}
				}
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

// claimsOf are the claims among records, with the source of one that cannot be understood.
func claimsOf(records iter.Seq2[record, error]) iter.Seq2[Claim, error] {
	return func(yield func(Claim, error) bool) {
		for c, err := range each[Claim](records) {
			var unreadable *UnreadableError
			if errors.As(err, &unreadable) {
				c = Claim{Source: strings.TrimPrefix(unreadable.Record, claimKey("").sort)}
			}
			if !yield(c, err) {
				return
			}
		}
	}
}

func collect[T any](records iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for record, err := range records {
		if err != nil {
			return nil, err
		}
		all = append(all, record)
	}
	return all, nil
}

func (c Claim) inUTC() Claim {
	toUTC(&c.Since, &c.StopSent, &c.StopTried, &c.Left, &c.Started, &c.Refused, &c.RefusedLast, &c.TakenBack)
	if c.Standby != nil {
		out := *c.Standby
		toUTC(&out.Since, &out.Tried, &out.Exited, &out.Waited)
		c.Standby = &out
	}
	if c.Hook != nil {
		hook := *c.Hook
		toUTC(&hook.Since, &hook.Ended, &hook.Begun, &hook.Waited, &hook.Sent, &hook.Done)
		c.Hook = &hook
	}
	return c
}

func (w Wait) inUTC() Wait {
	toUTC(&w.Since)
	return w
}

func (r Run) inUTC() Run {
	toUTC(&r.Scheduled, &r.Started, &r.Ended)
	return r
}

func resultInUTC(r job.Result) job.Result {
	t := &r.Times
	toUTC(&r.At, &t.Claimed, &t.StopSent, &t.Stopped, &t.ImageSent, &t.Snapshotted, &t.StartSent, &t.Running,
		&t.Available, &t.Released)
	return r
}

func retirementInUTC(r job.Retirement) job.Retirement {
	toUTC(&r.Since, &r.Due, &r.At)
	return r
}

// formatTime keeps the nanoseconds.
func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// parseTime reads what formatTime wrote; "" is the zero time.
func parseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.RFC3339Nano, s)
}

// toUTC drops the monotonic reading too, which no store can keep.
func toUTC(times ...*time.Time) {
	for _, t := range times {
		*t = t.UTC().Round(0)
	}
}
