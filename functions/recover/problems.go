package recovery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/aws/smithy-go"

	"goldsmith/functions/recover/executions"
	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/ledger"
	"goldsmith/shared/notify"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
)

// Problems tells people of what a sweep cannot solve.
type Problems struct {
	EC2     source.Lister
	Notices executions.Noticer
	Notify  plan.Notify
}

// unread tells of claims that cannot be understood, each once: nothing is done with their sources until a person has
// looked.
func (p Problems) unread(ctx context.Context, ids []string) error {
	var problems []error
	for _, id := range ids {
		shows, err := p.shows(ctx, id)
		if err == nil {
			_, err = p.Notices.Notice(ctx, notify.Notice{
				Key: "unreadable claim of " + id, Title: "The claim of " + id + " cannot be read", Notify: p.Notify,
				Lines: []string{
					"The ledger's record of who works on it cannot be understood: a newer version of Goldsmith has written " +
						"it, or another program.",
					shows + " Goldsmith starts it only where its tag proves that a run has left it stopped, and no run images it " +
						"until the record is gone.",
					"Now: If it should run and does not, start it: aws ec2 start-instances --instance-ids " + id +
						". Then remove the record: docs/operations.md, \"A record cannot be read\".",
				},
			})
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

func (p Problems) shows(ctx context.Context, id string) (string, error) {
	instance, known, err := source.Find(ctx, p.EC2, id)
	if err != nil || !known {
		return "EC2 does not know it.", err
	}
	return "EC2 shows it as " + string(source.State(instance)) + ".", nil
}

// settle ends a sweep well that knows of a problem which trying again does not solve, once people know of it. Whatever
// passes by itself fails the sweep, and so does what Slack did not take. Where there is no Slack the log says it.
func (p Problems) settle(ctx context.Context, swept error) error {
	var failing []error
	lasting := map[string][]error{}
	for _, err := range each(swept) {
		var failed *fault.Failed
		if errors.As(fault.Edge(err), &failed) {
			lasting[kindOf(err)] = append(lasting[kindOf(err)], err)
		} else {
			failing = append(failing, err)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(lasting)) {
		same := lasting[kind]
		handler.Log(ctx).ErrorContext(ctx, "the sweep cannot do everything", "error", errors.Join(same...))
		if delivery, err := p.Notices.Notice(ctx, p.notice(kind, same)); err != nil || delivery == notify.Failed {
			failing = append(failing, err, errors.Join(same...))
		}
	}
	return errors.Join(failing...)
}

// each are the errors that were joined.
func each(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error }) // A wrapped join is one error.
	switch {
	case err == nil:
		return nil
	case !ok:
		return []error{err}
	}
	var all []error
	for _, inner := range joined.Unwrap() {
		all = append(all, each(inner)...)
	}
	return all
}

var (
	ids  = regexp.MustCompile(`\b(i|ami|snap|vol|lt)-[0-9a-f]{8,17}\b`)
	arns = regexp.MustCompile(`\barn:[^\s,]+`)
)

// kindOf is the call that AWS refuses and its code, or else the error's text without what differs from source to
// source: the same trouble with many, or met on several ways, is told once.
func kindOf(err error) string {
	var call *smithy.OperationError
	if errors.As(err, &call) && fault.Code(err) != "" {
		return call.Service() + " " + call.Operation() + ": " + fault.Code(err)
	}
	return ids.ReplaceAllString(arns.ReplaceAllString(fault.Brief(err), "arn"), "$1")
}

// mostNamed is how many of many alike a notice names.
const mostNamed = 5

func (p Problems) notice(kind string, same []error) notify.Notice {
	n := notify.Notice{Key: "sweep: " + kind, Title: "The sweep cannot do everything", Notify: p.Notify}
	for _, err := range same[:min(mostNamed, len(same))] {
		n.Lines = append(n.Lines, fault.Brief(err))
	}
	if more := len(same) - mostNamed; more > 0 {
		n.Lines = append(n.Lines, fmt.Sprintf("%d more of the same kind: the log of goldsmith-recover names them", more))
	}
	do := "Look for the cause in the log of goldsmith-recover."
	var unreadable *ledger.UnreadableError
	switch {
	case fault.IsDenied(same[0]):
		do = "See what denies goldsmith-recover that call: its policy is in docs/permissions.md, a service control policy " +
			"may be in its way."
	case errors.As(same[0], &unreadable):
		do = `Remove that record: docs/operations.md, "A record cannot be read".`
	}
	n.Lines = append(n.Lines, "Goldsmith tries again at every sweep, and says this once.", "Now: "+do)
	return n
}
