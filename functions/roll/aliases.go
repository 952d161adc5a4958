package roll

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
)

// Parameters is Parameter Store as far as aliases need it.
type Parameters interface {
	GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
	PutParameter(context.Context, *ssm.PutParameterInput, ...func(*ssm.Options)) (*ssm.PutParameterOutput, error)
}

// imageType makes Parameter Store check, some time after the call, that the
// value is an image that the account may launch.
const imageType = "aws:ec2:image"

// rollAlias writes the image into the parameter, unless it stands there already.
// through are the templates that take their image from it.
func (s Step) rollAlias(ctx context.Context, j job.Job, name string, through []string) (job.Rolled, error) {
	r := job.Rolled{Target: name, To: j.Image.ID, Through: through}
	now, err := s.parameters.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(name)})
	switch {
	case err == nil:
		r.From = aws.ToString(now.Parameter.Value)
		r.Previous, r.Version = now.Parameter.Version, now.Parameter.Version
	case !fault.IsNotFound(err):
		return r, fmt.Errorf("reading it: %w", err)
	}
	if r.From == r.To {
		return r, nil
	}
	put, err := s.parameters.PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String(name), Value: aws.String(j.Image.ID), Overwrite: aws.Bool(true),
		Type: types.ParameterTypeString, DataType: aws.String(imageType),
		Description: aws.String("The newest golden image of " + j.Source.ID),
	})
	if err != nil {
		return r, fmt.Errorf("writing it: %w", err)
	}
	r.Version = put.Version
	return r, nil
}
