package prove

import (
	"context"
	"errors"
	"slices"
	"strings"

	"goldsmith/shared/fault"
)

// Verdict is what came of an assumption.
type Verdict string

// An assumption holds, does not hold, or could not be tried.
const (
	Held    Verdict = "held"
	Broken  Verdict = "does not hold"
	Untried Verdict = "could not be tried"
)

// Finding is what came of one.
type Finding struct {
	Key     string  `json:"key"`
	Verdict Verdict `json:"verdict"`
	// Says is how AWS behaves instead, or why it could not be tried.
	Says string `json:"says,omitempty"`
	// Assumed, Where, Otherwise and Tried are the row's.
	Assumed   string `json:"assumed"`
	Where     string `json:"where"`
	Otherwise string `json:"otherwise"`
	Tried     string `json:"tried"`
	// Calls are the last that it was tried by.
	Calls []Call `json:"calls,omitempty"`
}

// probe tries one assumption. What it needs is made first: calls for that are no evidence.
type probe struct {
	key   string
	needs []need
	// extra is what it makes besides.
	extra thing
	// try says how AWS behaves instead; "" where the assumption holds. An error of AWS's is such an answer, too, unless
	// AWS is busy or the caller may not ask.
	try func(ctx context.Context, l *lab) (instead string, err error)
}

// of is a finding that the assumption holds.
func (p probe) of(row Row) Finding {
	return Finding{
		Key: p.key, Verdict: Held, Assumed: row.Assumed, Where: row.Where, Otherwise: row.Otherwise, Tried: row.Tried,
	}
}

// untried is one that was not come to.
func (p probe) untried(row Row, why error) Finding {
	f := p.of(row)
	f.Verdict, f.Says = Untried, why.Error()
	return f
}

// run tries it.
func (p probe) run(ctx context.Context, l *lab, row Row) Finding {
	f := p.of(row)
	l.calls.begin()
	if err := l.ready(ctx, p.needs); err != nil {
		f.Verdict, f.Says, f.Calls = Untried, fault.Brief(err), l.calls.since()
		return f
	}
	l.calls.begin()
	instead, err := p.try(ctx, l)
	f.Calls = l.calls.since()
	switch {
	case err != nil && silent(err):
		f.Verdict, f.Says = Untried, fault.Brief(err)
	case err != nil:
		f.Verdict, f.Says = Broken, fault.Brief(err)
	case instead != "" && denied(f.Calls):
		f.Verdict, f.Says = Untried, instead
	case instead != "":
		f.Verdict, f.Says = Broken, instead
	}
	f.Says = strings.TrimSuffix(f.Says, ".")
	return f
}

// denied reports whether the caller was not allowed one of the calls: what comes of that says nothing of AWS.
func denied(calls []Call) bool {
	return slices.ContainsFunc(calls, func(c Call) bool { return fault.DeniedCode(c.Code) })
}

// untriable is why an assumption cannot be tried in this account.
type untriable struct{ error }

// Unwrap is what keeps it from that.
func (u untriable) Unwrap() error { return u.error }

// silent reports whether an error says nothing of how AWS behaves.
func silent(err error) bool {
	return errors.As(err, new(untriable)) || fault.IsDenied(err) || fault.IsTransient(err) || fault.IsNoCapacity(err)
}
