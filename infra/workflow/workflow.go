// Package workflow holds what is deployed, as plain data: the state machine's
// definition, what has to be filled into it, and the one list of the suite's
// functions. infra deploys exactly this, and the embedded AWS runs it.
package workflow

import (
	"strings"
)

// Partition is the placeholder of the AWS partition: aws, aws-cn or aws-us-gov.
const Partition = "Partition"

// Names in the account. They are fixed, so that a second suite, which would stop the
// same instances, cannot be deployed beside the first.
const (
	// Name is the name of the state machine and the schedule group, and begins all others.
	Name = "goldsmith"
	// Alias is the state machine's alias that runs are started through.
	Alias = "live"
	// MapLabel is the Map's label: a child execution's machine is called <Name>/<MapLabel>.
	MapLabel = "source"
)

// Tasks are the functions that the state machine invokes.
var Tasks = tasks()

func tasks() (names []string) {
	for _, f := range Functions {
		if f.Task {
			names = append(names, f.Name)
		}
	}
	return names
}

// FunctionIn is the name of the function that an ARN, a deployed name or a folder's name means, with or without a
// version.
func FunctionIn(arn string) string {
	if _, after, ok := strings.Cut(arn, ":function:"); ok {
		arn = after
	}
	name, _, _ := strings.Cut(arn, ":")
	return strings.TrimPrefix(name, Name+"-")
}

// Placeholder is the placeholder that stands for a function's ARN.
func Placeholder(function string) string {
	return strings.ToUpper(function[:1]) + function[1:] + "FunctionArn"
}

// Substitutions fills every placeholder; arn gives the ARN of a function's version.
func Substitutions(partition string, arn func(function string) string) map[string]string {
	filled := map[string]string{Partition: partition}
	for _, function := range Tasks {
		filled[Placeholder(function)] = arn(function)
	}
	return filled
}
