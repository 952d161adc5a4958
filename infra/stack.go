package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"goldsmith/infra/workflow"
	"goldsmith/shared/plan"
	"goldsmith/shared/rollout"
	"goldsmith/shared/settings"
	"goldsmith/shared/tag"
	"goldsmith/shared/version"
)

// StackProps describe the suite in one account and Region.
type StackProps struct {
	Config Config
	Target Target
	Code   Code
}

// NewStack composes the suite.
func NewStack(scope constructs.Construct, id string, props StackProps) awscdk.Stack {
	stack := awscdk.NewStack(scope, jsii.String(id), stackProps(props))
	awscdk.Tags_Of(stack).Add(jsii.String("application"), jsii.String(workflow.Name), &awscdk.TagProps{
		// Not every Region's CloudFormation knows tags of dashboards yet.
		ExcludeResourceTypes: jsii.Strings("AWS::CloudWatch::Dashboard"),
	})

	table := NewLedger(stack, "Ledger", LedgerProps{Keys: props.Target.keys(props.Config.TableKeys)})
	letters := NewDeadLetters(stack, "DeadLetters")
	values := valuesOf(props, table, letters)
	NewRunTopic(stack, "Runs", props.Config)
	NewPages(stack, "Pages", props.Config, values)
	NewCommandDocument(stack, "Command")
	functions := map[string]Function{}
	add := func(tasks bool) {
		for _, f := range workflow.Functions {
			if f.Task == tasks {
				f.Statements = slices.Concat(f.Statements, ofPlans(f.Name, props.Config.Plans))
				functions[f.Name] = NewFunction(stack, title(f.Name), FunctionProps{
					Function: f, Values: values, Code: props.Code, DeadLetters: letters, Reserve: props.Config.Reserve,
				})
			}
		}
	}
	add(true)
	machine := NewMachine(stack, "Workflow", MachineProps{Functions: functions, Values: values})
	values[workflow.StateMachineAlias] = []string{machine.AliasArn}
	add(false)
	NewRules(stack, "Rules", RulesProps{Functions: functions, DeadLetters: letters, Values: map[string]string{
		"Account": *awscdk.Aws_ACCOUNT_ID(), "Region": *awscdk.Aws_REGION(),
		"StateMachineArn": *machine.StateMachine.StateMachineArn(),
	}})
	NewSchedules(stack, "Schedules",
		SchedulesProps{Plans: props.Config.Plans, Functions: functions, DeadLetters: letters, Values: values})
	topic := NewAlarms(stack, "Alarms", AlarmsProps{
		Plans: props.Config.Plans, Functions: functions, Machine: machine, DeadLetters: letters,
		Emails: props.Config.Emails, Slack: props.Config.SlackSecret != "",
	})
	dashboard := NewDashboard(stack, "Watching", DashboardProps{Functions: functions, Machine: machine})
	NewOutputs(stack, "Outputs", OutputsProps{
		Machine: machine, Table: table, Dashboard: dashboard, DeadLetters: letters, TopicArn: topic,
		Default: props.Config.Plans.Default,
	})
	advise(stack, props.Config, props.Target)
	return stack
}

// advise tells at synth what would be found out at night.
func advise(stack awscdk.Stack, c Config, target Target) {
	notes := awscdk.Annotations_Of(stack)
	if len(c.Emails) == 0 {
		notes.AddWarningV2(jsii.String("goldsmith:alarms"), jsii.String("the alarms reach no address: name one by the "+
			"context emails, or subscribe to the stack's topic. An instance that stays down while Slack takes no message "+
			"is told by an alarm alone"))
	}
	for _, problem := range c.Plans.Home(target.Region) {
		notes.AddWarningV2(jsii.String("goldsmith:copyAtHome"), jsii.String("plan "+problem.String()))
	}
	for _, name := range c.Plans.Names() {
		p := c.Plans.Plans[name]
		for _, source := range slices.Sorted(maps.Keys(p.Roll.Templates)) {
			if _, names := rollout.Split(p.Roll.Templates[source]); len(names) > 0 {
				notes.AddWarningV2(jsii.String("goldsmith:templateByName"), jsii.Sprintf(
					"plan %s lists %s for %s by name, and policies know launch templates by id: put the tag %s=%[3]s on it, and it "+
						"needs no listing",
					name, strings.Join(names, ", "), source, tag.Source))
			}
		}
		if _, watched := lateAlarm(p); p.Schedule != "" && !watched {
			notes.AddInfo(jsii.Sprintf("plan %s runs too rarely for an alarm on a missing success: CloudWatch looks back %d "+
				"hours; a cron has no such limit", name, farthest))
		}
	}
}

func stackProps(props StackProps) *awscdk.StackProps {
	made := &awscdk.StackProps{
		StackName:   jsii.String(workflow.Name),
		Description: jsii.String("Goldsmith: golden images of EC2 instances, by schedule and by tag."),
	}
	if props.Target.Account != "" {
		made.Env = &awscdk.Environment{Account: jsii.String(props.Target.Account), Region: jsii.String(props.Target.Region)}
	}
	if bucket := props.Config.AssetBucket; bucket != "" {
		made.Synthesizer = awscdk.NewDefaultStackSynthesizer(&awscdk.DefaultStackSynthesizerProps{
			FileAssetsBucketName: jsii.String(bucket + "-${AWS::Region}"),
			// A StackSet deploys where cdk bootstrap was not run.
			GenerateBootstrapVersionRule: jsii.Bool(false),
		})
	}
	return made
}

// valuesOf fills what functions and roles are told. Account and Region are CloudFormation's
// own parameters, so that every target gets the same template.
func valuesOf(props StackProps, table Ledger, letters DeadLetters) workflow.Values {
	c := props.Config
	values := workflow.Values{
		workflow.Partition:      {*awscdk.Aws_PARTITION()},
		workflow.Region:         {*awscdk.Aws_REGION()},
		workflow.Account:        {*awscdk.Aws_ACCOUNT_ID()},
		workflow.Table:          {*table.Table.TableName()},
		workflow.TableArn:       {*table.Table.TableArn()},
		workflow.DeadLettersArn: {*letters.Queue.QueueArn()},
		workflow.ImagePath:      {c.ImagePath},
		workflow.SlackSecret:    {settings.Off},
		workflow.SlackSecretArn: nil,
		workflow.SlackKeys:      props.Target.keys(c.SlackKeys),
		workflow.TableKeys:      props.Target.keys(c.TableKeys),
		workflow.VolumeKeys:     props.Target.keys(c.VolumeKeys),
		workflow.PlanSums:       plan.Sums(c.Plans),
		workflow.Version:        {version.Version},
		workflow.GrantedKeys:    granted(props.Target.keys(c.VolumeKeys)),
		workflow.Parameters:     rooted(c.Parameters),
		workflow.Templates:      listed(c),
		workflow.Subnets:        tested(c, func(v plan.Verify) string { return v.Subnet }),
		workflow.Profiles:       tested(c, func(v plan.Verify) string { return v.Profile }),
		workflow.Groups:         refreshed(c),
		workflow.Standbys:       standing(c),
		workflow.Clones:         cloned(c),
		workflow.Replaces:       replacing(c),
		workflow.Drains:         drained(c),
		workflow.Shares:         shared(c),
		workflow.PassedRoles:    c.PassedRoles,
	}
	hooked(values, c)
	copied(values, c)
	sharedCopies(values, c)
	rolledCopies(values, c)
	channels(values, c)
	if c.SlackSecret != "" {
		values[workflow.SlackSecret] = []string{c.SlackSecret}
		values[workflow.SlackSecretArn] = []string{secretARN(values, c.SlackSecret)}
	}
	return values
}

// granted is the setting with the keys.
func granted(keys []string) []string {
	if len(keys) == 0 {
		return []string{settings.Off}
	}
	return keys
}

// rooted are parameters' names as they stand in ARNs, after a slash.
func rooted(names []string) (paths []string) {
	for _, name := range names {
		paths = append(paths, "/"+strings.TrimPrefix(name, "/"))
	}
	return paths
}

// listed are the ids of the launch templates that plans list. Names are no use to a
// policy: EC2 knows templates by id there.
func listed(c Config) (all []string) {
	for _, name := range c.Plans.Names() {
		for _, templates := range c.Plans.Plans[name].Roll.Templates {
			ids, _ := rollout.Split(templates)
			all = append(all, ids...)
		}
	}
	return unique(all)
}

// tested is what the plans that have images tested say there.
func tested(c Config, what func(plan.Verify) string) (all []string) {
	for _, name := range c.Plans.Names() {
		if v := c.Plans.Plans[name].Verify; v.Boot && what(v) != "" {
			all = append(all, what(v))
		}
	}
	return unique(all)
}

// refreshed is every group, if a plan refreshes groups.
func refreshed(c Config) []string {
	for _, p := range c.Plans.Plans {
		if p.Roll.Refresh.Enabled {
			return []string{"*"}
		}
	}
	return nil
}

// standing is every group, if a plan puts members of groups into Standby.
func standing(c Config) []string {
	for _, p := range c.Plans.Plans {
		if p.Groups.Stands() {
			return []string{"*"}
		}
	}
	return nil
}

// replacing is every group, if a plan has members in Standby replaced.
func replacing(c Config) []string {
	for _, p := range c.Plans.Plans {
		if p.Groups.Replaces() {
			return []string{"*"}
		}
	}
	return nil
}

// drained is every target group, if a plan takes instances out of theirs.
func drained(c Config) []string {
	for _, p := range c.Plans.Plans {
		if p.Drain {
			return []string{"*"}
		}
	}
	return nil
}

// cloned is every clone with its image, if a plan makes general images.
func cloned(c Config) []string {
	for _, p := range c.Plans.Plans {
		if p.Generalize.Enabled {
			return []string{"*"}
		}
	}
	return nil
}

// hooked are every instance and the suite's document, if a plan has commands run on its sources.
func hooked(values workflow.Values, c Config) {
	values[workflow.Hooks], values[workflow.HookDocument] = nil, nil
	for _, p := range c.Plans.Plans {
		if p.Commanded() {
			values[workflow.Hooks], values[workflow.HookDocument] = []string{"*"}, []string{workflow.Command}
		}
	}
}

// shared is every image, if a plan shares its images.
func shared(c Config) []string {
	for _, p := range c.Plans.Plans {
		if !p.Share.IsZero() {
			return []string{"*"}
		}
	}
	return nil
}

// secretARN is a secret as a policy names it: Secrets Manager ends an ARN with six
// characters that a name does not tell.
func secretARN(values workflow.Values, secret string) string {
	if strings.HasPrefix(secret, "arn:") {
		return secret
	}
	return one(values, "arn:${Partition}:secretsmanager:${Region}:${Account}:secret:") + secret + "-??????"
}
