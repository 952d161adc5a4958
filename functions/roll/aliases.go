package roll

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/shared/target"
)

// Parameters is Parameter Store as far as aliases need it.
type Parameters interface {
	target.Parameters
	PutParameter(context.Context, *ssm.PutParameterInput, ...func(*ssm.Options)) (*ssm.PutParameterOutput, error)
}

// imageType makes Parameter Store check, some time after the call, that the
// value is an image that the account may launch.
const imageType = "aws:ec2:image"

// write puts an image into the alias.
func (s Step) write(ctx context.Context, t *one, image, description string) error {
	put, err := s.parameters.PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String(t.Rolled.Target), Value: aws.String(image), Overwrite: aws.Bool(true),
		Type: types.ParameterTypeString, DataType: aws.String(imageType), Description: aws.String(description),
	})
	if err != nil {
		return fmt.Errorf("writing it: %w", err)
	}
	t.Rolled.Version = put.Version
	return nil
}
