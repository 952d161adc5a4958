package refresh

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

// parameters reads what aliases hold.
type parameters interface {
	GetParameters(context.Context, *ssm.GetParametersInput, ...func(*ssm.Options)) (*ssm.GetParametersOutput, error)
}

// written sees whether the aliases that a group launches from read as they were written: a refresh before that would
// launch the old image once more. It says which does not, once that has lasted.
func (s Step) written(ctx context.Context, j job.Job, g types.AutoScalingGroup, rolled []job.Rolled) (string, error) {
	for _, r := range rolled {
		uses := func(spec asg.Spec) bool { return slices.Contains(r.Through, spec.Template) }
		if r.Problem != "" || !slices.ContainsFunc(asg.Specs(g), uses) {
			continue
		}
		out, err := s.SSM.GetParameters(ctx, &ssm.GetParametersInput{Names: []string{r.Target}})
		if err != nil {
			return "", fmt.Errorf("reading parameter %s: %w", r.Target, err)
		}
		holds := "nothing"
		for _, p := range out.Parameters {
			holds = aws.ToString(p.Value)
		}
		problem := fmt.Sprintf("Its image comes from parameter %s, which holds %s and not %s as it was written.", r.Target,
			holds, r.To)
		switch {
		case holds == r.To:
		case s.Now().Sub(j.Times.Released) < asg.ParameterCheck:
			return "", &fault.NotYet{Err: fmt.Errorf("group %s: %s", aws.ToString(g.AutoScalingGroupName), problem)}
		default:
			return problem, nil
		}
	}
	return "", nil
}
