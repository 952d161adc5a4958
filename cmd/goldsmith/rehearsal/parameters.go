package rehearsal

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// parameters is Parameter Store as the run would leave it.
func (a *after) parameters() changed { return changed{a.values, a.aliases} }

// changed are parameters of which some hold other values, by name.
type changed struct {
	parametersAPI
	values map[string]string
}

// GetParametersByPath lists what is there; what is new to come refers to no image that exists.
func (c changed) GetParametersByPath(ctx context.Context, in *ssm.GetParametersByPathInput,
	o ...func(*ssm.Options)) (*ssm.GetParametersByPathOutput, error) {
	out, err := c.parametersAPI.GetParametersByPath(ctx, in, o...)
	if err == nil {
		c.change(out.Parameters)
	}
	return out, err
}

// GetParameters reads parameters by name; a version or a label keeps what it holds.
func (c changed) GetParameters(ctx context.Context, in *ssm.GetParametersInput,
	o ...func(*ssm.Options)) (*ssm.GetParametersOutput, error) {
	out, err := c.parametersAPI.GetParameters(ctx, in, o...)
	if err == nil {
		c.change(out.Parameters)
	}
	return out, err
}

func (c changed) change(parameters []types.Parameter) {
	for i, p := range parameters {
		if value, ok := c.values[aws.ToString(p.Name)]; ok && aws.ToString(p.Selector) == "" {
			parameters[i].Value = aws.String(value)
		}
	}
}
