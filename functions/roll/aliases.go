package roll

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/template"
)

// Parameters is Parameter Store as far as aliases need it.
type Parameters interface {
	GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
	PutParameter(context.Context, *ssm.PutParameterInput, ...func(*ssm.Options)) (*ssm.PutParameterOutput, error)
}

// imageType makes Parameter Store check, some time after the call, that the
// value is an image that the account may launch.
const imageType = "aws:ec2:image"

// aliasOf is the parameter that always holds the newest image of the sources of a name.
func (s Step) aliasOf(name string) string {
	return strings.TrimSuffix(s.path, "/") + "/" + template.ParameterName(name)
}

// read is what the alias holds. PutParameter answers before it has checked the
// image, and a function that waits for the check would only sleep: what became
// of the last write is seen here, by the next roll, in the version.
func (s Step) read(ctx context.Context, name string) (template.Now, error) {
	out, err := s.parameters.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(name)})
	if fault.IsNotFound(err) {
		return template.Now{Alias: true}, nil
	}
	if err != nil {
		return template.Now{Alias: true}, fmt.Errorf("reading it: %w", err)
	}
	return template.Now{Alias: true, Version: out.Parameter.Version, Image: aws.ToString(out.Parameter.Value)}, nil
}

// write puts an image into the alias.
func (s Step) write(ctx context.Context, t *target, image, description string) error {
	put, err := s.parameters.PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String(t.rolled.Target), Value: aws.String(image), Overwrite: aws.Bool(true),
		Type: types.ParameterTypeString, DataType: aws.String(imageType), Description: aws.String(description),
	})
	if err != nil {
		return fmt.Errorf("writing it: %w", err)
	}
	t.rolled.Version = put.Version
	return nil
}
