// Package workflow holds the state machine's definition and what has to be
// filled into it. infra deploys exactly this, and the embedded AWS runs it.
package workflow

import (
	_ "embed"
	"strings"
)

// Definition is the state machine in Amazon States Language, with ${placeholders}.
//
//go:embed run.asl.json
var Definition string

// Partition is the placeholder of the AWS partition: aws, aws-cn or aws-us-gov.
const Partition = "Partition"

// Tasks are the functions that the state machine invokes.
var Tasks = []string{"select", "claim", "stop", "image", "watch", "start", "roll", "release", "notify"}

// Placeholder is the placeholder that stands for a function's ARN.
func Placeholder(function string) string {
	return strings.ToUpper(function[:1]) + function[1:] + "FunctionArn"
}

// Substitutions fills every placeholder; arn gives a function's ARN.
func Substitutions(partition string, arn func(function string) string) map[string]string {
	filled := map[string]string{Partition: partition}
	for _, function := range Tasks {
		filled[Placeholder(function)] = arn(function)
	}
	return filled
}
