package stack

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"goldsmith/infra/workflow"
	"goldsmith/local/ec2"
	"goldsmith/local/query"
	"goldsmith/shared/plan"
	"goldsmith/shared/settings"
	"goldsmith/shared/version"
)

// What an operator would choose for the embedded account.
const (
	secretName = "goldsmith/slack"
	imagePath  = "/goldsmith/images"
	topicName  = workflow.Name + "-runs"
)

// Environment is a function's environment, filled in as a deployment fills it in.
func (s *Stack) Environment(function string) (map[string]string, error) {
	values := workflow.Values{
		workflow.Partition: {partition}, workflow.Region: {s.options.Region}, workflow.Account: {s.options.Account},
		workflow.Table:             {workflow.Name},
		workflow.StateMachineAlias: {s.Machine + ":" + workflow.Alias},
		workflow.ImagePath:         {imagePath},
		workflow.SlackSecret:       {secretName},
		workflow.Topic:             {s.topic()},
		workflow.Bucket:            {s.bucket()},
		workflow.Channels:          texts(s.options.Plans.Channels()),
		workflow.GrantedKeys:       s.options.VolumeKeys,
		workflow.PlanSums:          plan.Sums(s.options.Plans),
		workflow.Version:           {version.Version},
	}
	for _, f := range workflow.Functions {
		if f.Name == function {
			return values.Environment(f)
		}
	}
	return nil, fmt.Errorf("no function %q is deployed", function)
}

// topic is the setting with the topic of runs, which there is if a plan is told by it.
func (s *Stack) topic() string {
	if !slices.Contains(s.options.Plans.Channels(), plan.SNS) {
		return settings.Off
	}
	return "arn:" + partition + ":sns:" + s.options.Region + ":" + s.options.Account + ":" + topicName
}

// bucket is the setting with the bucket of pages, which there is if messages lead to them.
func (s *Stack) bucket() string {
	if !s.options.Plans.Links("") {
		return settings.Off
	}
	return workflow.Name + "-pages-" + s.options.Account // CloudFormation would name it otherwise.
}

func texts[T ~string](list []T) (all []string) {
	for _, each := range list {
		all = append(all, string(each))
	}
	return all
}

// DefaultSubnet is the embedded account's subnet in which a plan may boot its test instances.
func DefaultSubnet() string {
	o := withDefaults(Options{})
	return ec2.DefaultSubnet(o.Region, o.Account)
}

// told is the reader of what a deployment tells a function.
func (s *Stack) told(function string) settings.Reader {
	return func(_ context.Context, names ...settings.Name) (settings.Settings, error) {
		told := settings.Settings{
			AWS: s.AWS(), Ledger: s.Ledger, Plans: s.options.Plans, Now: s.options.Clock.Now,
			Web:    &http.Client{Transport: waiting{query.Client(s.Slack).Transport}},
			Values: map[settings.Name]string{},
		}
		environment, err := s.Environment(function)
		for _, name := range names {
			if told.Values[name] = environment[string(name)]; told.Values[name] == "" && err == nil {
				err = fmt.Errorf("function %s is not told %s", function, name)
			}
		}
		return told, err
	}
}
