// Package deployment finds what is deployed in an account and Region. Functions
// have fixed names (docs/decisions/0007); what has none, they were told.
package deployment

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"goldsmith/shared/fault"
	"goldsmith/shared/settings"
)

// The deployed functions that people call or ask.
const (
	Trigger  = "goldsmith-trigger"
	Rollback = "goldsmith-rollback"
	// Recover is told both the table and the state machine, too.
	Recover = "goldsmith-recover"
	// roll is told the Parameter Store path of the images' aliases.
	roll = "goldsmith-roll"
	// selection is told the keys of volumes.
	selection = "goldsmith-select"
	// notify is told where Slack's credentials are.
	notify = "goldsmith-notify"
)

// Known are the functions that people call or ask.
var Known = []string{Trigger, Rollback, Recover, roll, selection, notify}

// Sweep is the name, behind the group's, of the schedule by which function recover looks for what is left stopped.
const Sweep = "sweep"

// Functions tells how functions are set up.
type Functions interface {
	lambda.GetFunctionConfigurationAPIClient
}

// Deployment is one suite.
type Deployment struct {
	// Table is the ledger's name.
	Table string
	// Machine is the state machine's ARN.
	Machine string
	// Version is the release that is deployed; "" where that is older than its being told.
	Version string
}

// Account and Region are where the suite is.
func (d Deployment) Account() string { return d.part(4) }

// Region is the suite's.
func (d Deployment) Region() string { return d.part(3) }

// part is one of the parts of the state machine's ARN.
func (d Deployment) part(n int) string {
	if parts := strings.Split(d.Machine, ":"); n < len(parts) {
		return parts[n]
	}
	return ""
}

// Group is the group of the suite's schedules; the schedule of a plan is called as the group and the plan are.
func (d Deployment) Group() string { return d.Machine[strings.LastIndex(d.Machine, ":")+1:] }

// AbsentError says that there is no suite in the account and Region.
type AbsentError struct{ Err error }

// Error says so, and what to do.
func (e *AbsentError) Error() string {
	return "Goldsmith is not deployed in this account and Region: " + fault.Brief(e.Err) +
		". Check the profile and the Region, or deploy it (docs/operations.md)"
}

// Unwrap gives what AWS said.
func (e *AbsentError) Unwrap() error { return e.Err }

// Find asks the functions what they were told.
func Find(ctx context.Context, api Functions) (Deployment, error) {
	told, err := environment(ctx, api, Recover)
	if err != nil {
		return Deployment{}, err
	}
	d := Deployment{Table: told[string(settings.Table)], Machine: machine(told[string(settings.StateMachine)]),
		Version: told[string(settings.Version)]}
	if d.Table == "" || d.Machine == "" {
		return d, fault.Failure("Deploy the suite again.", "function %s is not told %s and %s", Recover, settings.Table,
			settings.StateMachine)
	}
	return d, nil
}

// machine is the state machine's ARN of an ARN that may name an alias of it:
// through an alias one sees only the executions that were started by it.
func machine(arn string) string {
	parts := strings.Split(arn, ":")
	return strings.Join(parts[:min(len(parts), 7)], ":")
}

// ImagePath is the Parameter Store path that the aliases of images lie under.
func ImagePath(ctx context.Context, api Functions) (string, error) {
	told, err := environment(ctx, api, roll)
	return told[string(settings.ImagePath)], err
}

// VolumeKeys is the setting with the keys of volumes; "" where the suite is older than that.
func VolumeKeys(ctx context.Context, api Functions) (string, error) {
	told, err := environment(ctx, api, selection)
	return told[string(settings.VolumeKeys)], err
}

// PlanSums are sums of the plans that are deployed; none where the suite is older than that.
func PlanSums(ctx context.Context, api Functions) ([]string, error) {
	told, err := environment(ctx, api, Trigger)
	return strings.FieldsFunc(told[string(settings.PlanSums)], func(r rune) bool { return r == ',' }), err
}

// SlackSecret is the secret with Slack's credentials, or settings.Off.
func SlackSecret(ctx context.Context, api Functions) (string, error) {
	told, err := environment(ctx, api, notify)
	return told[string(settings.SlackSecret)], err
}

func environment(ctx context.Context, api Functions, function string) (map[string]string, error) {
	out, err := api.GetFunctionConfiguration(ctx,
		&lambda.GetFunctionConfigurationInput{FunctionName: aws.String(function)})
	if fault.IsNotFound(err) {
		return nil, &AbsentError{Err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("asking how %s is set up: %w", function, err)
	}
	if out.Environment == nil {
		return nil, nil
	}
	return out.Environment.Variables, nil
}
