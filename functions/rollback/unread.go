package rollback

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/shared/asg"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
)

// checked reports whether an alias was led back so short a time ago that Parameter Store may still check the image: it
// is not written once more for one who asks again.
func (s Step) checked(t *target) bool {
	back := t.known.Record.Back
	return !t.There && !t.known.Template() && back != nil && back.Image == t.back.To.Image &&
		s.Now().Sub(back.At) < asg.ParameterCheck
}

// unread says which alias that has gone back and that a group launches from does not read as it was written: a refresh
// before that would launch once more what is undone.
func (f *Round) unread(ctx context.Context, g types.AutoScalingGroup) string {
	for _, u := range f.undos {
		if !u.Parameter || u.Failed {
			continue
		}
		at, err := f.versions(ctx, u, f.groups)
		if err == nil && !asg.Uses(g, at.templates) {
			continue
		}
		holds := u.Image
		if err == nil {
			holds, err = f.holds(ctx, u.Target)
		}
		if err != nil {
			return fault.Brief(err)
		}
		if holds != u.Image {
			f.await(u.Target)
			return fmt.Sprintf("parameter %s reads %s until Parameter Store has checked %s: %s --refresh waits for that",
				u.Target, holds, u.Image, job.Command("rollback", u.Name))
		}
	}
	return ""
}

// await has who asked ask again.
func (f *Round) await(alias string) {
	if !slices.Contains(f.waits, alias) {
		f.waits = append(f.waits, alias)
	}
}

// again is why something was not done, and when to ask for it again: at once where that passes, else once it is put
// right.
func again(err error) string {
	if fault.Lasts(err) {
		return "put this right and ask again: " + fault.Brief(err)
	}
	return "ask again: " + fault.Brief(err)
}

// holds is what a parameter reads.
func (f *Round) holds(ctx context.Context, name string) (string, error) {
	out, err := f.Parameters.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(name)})
	switch {
	case fault.IsNotFound(err):
		return "nothing", nil
	case err != nil:
		return "", fmt.Errorf("reading parameter %s: %w", name, err)
	case out.Parameter == nil:
		return "nothing", nil
	default:
		return aws.ToString(out.Parameter.Value), nil
	}
}
