// Command infra is the CDK app: it reads cdk.json's context and plans.yaml, and
// writes one CloudFormation stack for each account and Region.
//
// Constructs are functions, NewX(scope, id, XProps) X, in files named after what
// they make. What is deployed, as plain data, stands in package workflow.
package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() (err error) {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	config, err := read(contextOf(app), time.Now())
	if err != nil {
		return err
	}
	remove, err := compose(app, config)
	if err == nil {
		app.Synth(nil)
	}
	return errors.Join(err, remove())
}

// contextOf is the context of cdk.json and of the command line.
func contextOf(app awscdk.App) map[string]any {
	all, _ := app.Node().GetAllContext(nil).(map[string]any)
	return all
}

// compose makes the stacks. What it writes to disk meanwhile is removed by the function it returns.
func compose(app awscdk.App, config Config) (remove func() error, err error) {
	code, remove, err := newCode(config)
	if err != nil {
		return remove, err
	}
	for _, target := range config.Targets {
		NewStack(app, target.id(), StackProps{Config: config, Target: target, Code: code})
	}
	if config.Nag {
		awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{Verbose: jsii.Bool(true)}), nil)
	}
	return remove, nil
}
