package workflow

// Role is an IAM role that is no function's.
type Role struct {
	// Name is what it is for.
	Name string
	// Service is the service that assumes it.
	Service string
	// Trust narrows who may have the service assume it, with placeholders.
	Trust Condition
	// Statements are its permissions, with placeholders.
	Statements []Statement
}

// StateMachineRole is the state machine's.
var StateMachineRole = Role{
	Name: "state machine", Service: "states.amazonaws.com",
	Trust: Condition{"StringEquals": {"aws:SourceAccount": {"${Account}"}}},
	Statements: []Statement{
		invoke("Runs that began when definitions named functions without a version.", "", Tasks...),
		invoke("The versions that definitions name: of this deployment, and of those that runs began with.", ":*", Tasks...),
		{
			// docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
			Why:       "A distributed Map starts its children as executions of its own machine.",
			Actions:   []string{"states:StartExecution"},
			Resources: []string{stateMachineARN},
		},
		{
			Why:       "A distributed Map follows its children, and stops them when it is stopped.",
			Actions:   []string{"states:DescribeExecution", "states:StopExecution"},
			Resources: []string{executions, childExecutions},
		},
		{
			Why:       "A redrive goes on with the children that did not succeed.",
			Actions:   []string{"states:RedriveExecution"},
			Resources: []string{childExecutions},
		},
		{
			// docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
			Why: "CloudWatch's log deliveries have no resources.",
			Actions: []string{
				"logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
				"logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups",
			},
			Resources: []string{anything},
		},
		{
			Why: "X-Ray has no resources.",
			Actions: []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules",
				"xray:GetSamplingTargets"},
			Resources: []string{anything},
		},
	},
}

// SchedulerRole is the one EventBridge Scheduler invokes functions with. Its trust is
// confined to the suite's schedule group: Scheduler names the group as the source, never
// a schedule (docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html).
var SchedulerRole = Role{
	Name: "scheduler", Service: "scheduler.amazonaws.com",
	Trust: Condition{"StringEquals": {
		"aws:SourceAccount": {"${Account}"},
		"aws:SourceArn":     {"arn:${Partition}:scheduler:${Region}:${Account}:schedule-group/" + Name},
	}},
	Statements: []Statement{
		invoke("What schedules are for: runs and sweeps.", "", "trigger", "recover"),
		{
			Why:       "What could not be delivered is kept for a person.",
			Actions:   []string{"sqs:SendMessage"},
			Resources: []string{"${DeadLettersArn}"},
		},
	},
}

// invoke allows calling functions, or what the qualifier says of them: IAM takes a version for a resource of its own
// (docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html).
func invoke(why, qualifier string, functions ...string) Statement {
	s := Statement{Why: why, Actions: []string{"lambda:InvokeFunction"}}
	for _, name := range functions {
		s.Resources = append(s.Resources, "arn:${Partition}:lambda:${Region}:${Account}:function:"+Name+"-"+name+qualifier)
	}
	return s
}
