package rollout

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/shared/fault"
)

// aliasPrefix starts the ImageId of a template that takes its image from
// Parameter Store: EC2 resolves it at launch.
const aliasPrefix = "resolve:ssm:"

// public begins the names of AWS's own parameters.
const public = "/aws/"

// Alias is the Parameter Store name that the template takes its image from; ok
// is false when it names an image itself. fixed is true when writing the
// parameter does not roll the template: it is pinned to a version or a label,
// or shared by another account, named by its ARN, or AWS's own, both of which PutParameter refuses.
func Alias(imageID string) (name string, fixed, ok bool) {
	name, ok = strings.CutPrefix(imageID, aliasPrefix)
	if !ok {
		return "", false, false
	}
	if strings.HasPrefix(name, "arn:") {
		return name, true, true
	}
	name, _, fixed = strings.Cut(name, ":")
	return name, fixed || strings.HasPrefix(name, public), true
}

// parameter reads what the alias holds. PutParameter answers before it has checked the
// image, and a function that waits for the check would only sleep: what became
// of the last write is seen here, by the next roll, in the version.
func (f Finder) parameter(ctx context.Context, t *Target, name string) error {
	t.At = state{Alias: true}
	out, err := f.Parameters.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(name)})
	if err != nil {
		return fmt.Errorf("reading it: %w", err)
	}
	t.At.Version, t.At.Image = out.Parameter.Version, aws.ToString(out.Parameter.Value)
	t.dataType = aws.ToString(out.Parameter.DataType)
	if kind := out.Parameter.Type; kind != "" && kind != types.ParameterTypeString {
		t.Rolled.Problem = fmt.Sprintf("it is a %s, and launch templates take images from a String", kind)
	}
	return nil
}

// orNew: a parameter that does not exist yet is one that holds nothing.
func orNew(err error) error {
	if fault.IsNotFound(err) {
		return nil
	}
	return err
}

// ImageType makes Parameter Store check, some time after the call, that the
// value is an image that the account may launch.
const ImageType = "aws:ec2:image"

// TextType is the data type of a parameter that was made without one. It cannot be changed
// (hashicorp/terraform-provider-aws#35959), so an image is written into it as text.
const TextType = "text"

// textNote is what to know of such a parameter.
const textNote = "its data type is text: Parameter Store does not check the image, " +
	"and Auto Scaling refuses to refresh groups from it; make it anew with data type aws:ec2:image"

// Value puts an image into an alias, as a value of a data type.
func Value(name, image, dataType string) *ssm.PutParameterInput {
	return &ssm.PutParameterInput{
		Name: aws.String(name), Value: aws.String(image), Overwrite: aws.Bool(true),
		Type: types.ParameterTypeString, DataType: aws.String(dataType),
	}
}

// write puts an image into the alias. Only one that it makes is described: what a person has written of theirs stays
// (segmentio/chamber#108).
func (w Writer) write(ctx context.Context, t *Target, image string) error {
	kind := ImageType
	if t.dataType == TextType {
		kind = TextType
	}
	in := Value(t.Rolled.Target, image, kind)
	if t.At.Version == 0 {
		in.Description = aws.String("The newest golden image of " + t.key)
	}
	put, err := w.Values.PutParameter(ctx, in)
	if fault.IsAdvanced(err) { // No page says whether a write that names no tier keeps it.
		in.Tier = types.ParameterTierAdvanced
		put, err = w.Values.PutParameter(ctx, in)
	}
	if err != nil {
		return fmt.Errorf("writing it: %w", err)
	}
	t.Rolled.Version = put.Version
	return nil
}
