package command

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"goldsmith/cmd/goldsmith/deployment"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
)

// invoke calls a function, waits for its answer and reads it. What the function
// says of its own failure is what failed and what to do, already.
func invoke(ctx context.Context, cfg aws.Config, function string, in, answer any) error {
	payload, err := json.Marshal(in)
	if err != nil {
		return err
	}
	out, err := lambda.NewFromConfig(cfg).Invoke(ctx,
		&lambda.InvokeInput{FunctionName: aws.String(function), Payload: payload})
	if fault.IsNotFound(err) {
		return &deployment.AbsentError{Err: err}
	}
	if err != nil {
		return fmt.Errorf("calling %s: %w", function, err)
	}
	if out.FunctionError != nil {
		failure := job.Failure{Error: aws.ToString(out.FunctionError), Cause: string(out.Payload)}
		return fault.Failure("", "%s", failure.Problem())
	}
	if err := json.Unmarshal(out.Payload, answer); err != nil {
		return fault.Failure("Build the command line from the version that is deployed.", "%s answered something else: %w",
			function, err)
	}
	return nil
}
