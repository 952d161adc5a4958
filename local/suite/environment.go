package suite

import (
	"fmt"

	"goldsmith/infra/workflow"
	"goldsmith/local/ec2"
	"goldsmith/shared/settings"
)

// What an operator would choose for the embedded account.
const (
	secretName = "goldsmith/slack"
	imagePath  = "/goldsmith/images"
)

// Environment is a function's environment, filled in as a deployment fills it in.
func (s *Suite) Environment(function string) (map[string]string, error) {
	values := workflow.Values{
		workflow.Partition: {partition}, workflow.Region: {s.options.Region}, workflow.Account: {s.options.Account},
		workflow.Table:             {workflow.Name},
		workflow.StateMachineAlias: {s.Machine + ":" + workflow.Alias},
		workflow.ImagePath:         {imagePath},
		workflow.SlackSecret:       {secretName},
	}
	for _, f := range workflow.Functions {
		if f.Name == function {
			return values.Environment(f)
		}
	}
	return nil, fmt.Errorf("no function %q is deployed", function)
}

// DefaultSubnet is the embedded account's subnet in which a plan may boot its test instances.
func DefaultSubnet() string {
	o := withDefaults(Options{})
	return ec2.DefaultSubnet(o.Region, o.Account)
}

// told is what functions are told by their environments.
type told struct {
	environment func(function string) (map[string]string, error)
	// problem is the first setting that its function is not told.
	problem error
}

func (s *Suite) told() *told { return &told{environment: s.Environment} }

func (t *told) setting(function string, name settings.Name) string {
	environment, err := t.environment(function)
	if value := environment[string(name)]; value != "" {
		return value
	}
	if err == nil {
		err = fmt.Errorf("function %s is not told %s", function, name)
	}
	if t.problem == nil {
		t.problem = err
	}
	return ""
}
