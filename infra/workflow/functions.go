package workflow

import (
	"time"

	"goldsmith/shared/settings"
	"goldsmith/shared/tag"
)

// Function is one Lambda function: all that a deployment has to know of it.
type Function struct {
	// Name is its folder under functions/; deployed it is called goldsmith-<name>.
	Name string
	// Does says in a sentence what it does.
	Does string
	// Task is whether a state of the workflow invokes it. The others are invoked
	// by the rules and inputs of package events.
	Task bool
	// Timeout ends an invocation. A task's is shorter than its states' TimeoutSeconds, so that
	// an execution shows what the function logged and not only that it took too long.
	Timeout time.Duration
	// Memory is in MB.
	Memory int
	// Reserved is how many may run at once, at most; 0 leaves it to the account.
	Reserved int
	// MaxAge is how long Lambda may hold an event that it could not hand over; for
	// functions that are no tasks. Two retries of a failed invocation are its default and ours.
	MaxAge time.Duration
	// Environment are its settings, with placeholders.
	Environment map[string]string
	// Statements are its role's permissions, with placeholders.
	Statements []Statement
}

// Deployed is the function's name in the account.
func (f Function) Deployed() string { return Name + "-" + f.Name }

// PlansFile is where the plans lie in a function's zip, and Lambda unpacks zips to /var/task.
const PlansFile = "plans.json"

// HasPlans reports whether the function reads the plans from its zip.
func (f Function) HasPlans() bool { return f.Environment[string(settings.PlansFile)] != "" }

const (
	// memory is the design's budget, and Lambda's least.
	memory = 128
	// retireMemory holds every image of a plan at once: some 3 KB each, so tens of thousands.
	retireMemory = 512
	// stepTimeout leaves five seconds of a state's minute.
	stepTimeout = 55 * time.Second
	// pageTimeout leaves ten seconds of the five minutes that selecting a thousand sources may take.
	pageTimeout = 290 * time.Second
	// sweepTimeout ends a sweep before the next one is due.
	sweepTimeout = 290 * time.Second
	// wakeAge is where a hint has become pointless: heartbeats have looked by then. Who wants
	// a rollback has asked again by then, too.
	wakeAge = time.Hour
	// longAge is Lambda's most: a request, or the end of a run, is worth a late answer.
	longAge = 6 * time.Hour
)

// How many of a function may run at once, where all share one of EC2's token buckets. A
// task that is refused a place is retried by the state machine, so only those are
// bounded whose Retry is patient.
const (
	// startReserved matches StartInstances' bucket, five calls and two more each second,
	// which the whole account shares: more would only be throttled.
	startReserved = 10
	// verifyReserved matches RunInstances' bucket, which has the same size. Ending test instances is
	// done by the same function, and waits for its turn as patiently.
	verifyReserved = 10
	// wakeReserved keeps a storm of state changes, which the Region's every instance
	// sends, from the describe calls that others need. Lambda queues what is above it.
	wakeReserved = 10
	// recoverReserved is one sweep, and one for the end of a run meanwhile.
	recoverReserved = 2
)

// Functions are all functions of the suite, in the order in which a run meets them.
var Functions = []Function{
	{
		Name: "select", Task: true, Timeout: pageTimeout, Memory: memory,
		Does:        "Chooses a run's sources, a thousand at a time, and writes down why the others are left alone.",
		Environment: env(settings.Table, settings.VolumeKeys),
		Statements: join(everyTask("select"), ledgerAndKeys("GetItem", "PutItem", "UpdateItem", "Query"), []Statement{
			look("DescribeInstances", "DescribeInstanceTypes", "DescribeSpotInstanceRequests", "DescribeVolumes",
				"DescribeSnapshots"),
			lookAtQuotas, lookAtOwnOrganization, lookAtCopyKeyUsers,
		}, lookAtCopyKeys),
	},
	{
		Name: "claim", Task: true, Timeout: stepTimeout, Memory: memory,
		Does:        "Locks a source, writes down what must be undone, and decides what may be done with it.",
		Environment: env(settings.Table, settings.VolumeKeys, settings.ImagePath),
		Statements: join(everyTask("claim"), ledgerAndKeys("PutItem", "UpdateItem", "DeleteItem", "Query"),
			[]Statement{look("DescribeInstances", "DescribeSnapshots", "DescribeSpotInstanceRequests", "DescribeVolumes",
				"DescribeLaunchTemplates", "DescribeLaunchTemplateVersions"),
				lookAtMembers, lookAtGroups, lookForTargets, lookAtProtection, lookAtOrganization,
				lookAtKeyUsers}, mayStart),
	},
	{
		Name: "hook", Task: true, Timeout: stepTimeout, Memory: memory,
		Does: "Runs a plan's commands on a source, before it is stopped or imaged and once it is back, where the plan " +
			"says so.",
		Environment: env(settings.Table, settings.PlansFile),
		Statements: join(everyTask("hook"), ledger("PutItem", "UpdateItem"), []Statement{look("DescribeInstances")},
			commanding),
	},
	{
		Name: "stop", Task: true, Timeout: stepTimeout, Memory: memory,
		Does: "Stops an instance cleanly; a member of an Auto Scaling group once it is in Standby, another " +
			"one once it has drained where a plan says so.",
		Environment: env(settings.Table),
		Statements: join(everyTask("stop"), ledger("GetItem", "PutItem", "UpdateItem", "Query"),
			[]Statement{lookAtMembers, lookAtGroups, enteringStandby, protecting, lookAtDraining, deregistering},
			onEnrolled("ec2:StopInstances"), tracing),
	},
	{
		Name: "image", Task: true, Timeout: stepTimeout, Memory: memory,
		Does:        "Registers and creates the image, once for each run.",
		Environment: env(settings.Table, settings.ImagePath),
		Statements: join(everyTask("image"), ledger("PutItem", "UpdateItem"), []Statement{
			look("DescribeImages", "DescribeInstances", "DescribeLaunchTemplates", "DescribeLaunchTemplateVersions",
				"DescribeFleets", "DescribeSpotFleetRequests"),
			lookWhatLaunches,
		}, onEnrolled("ec2:CreateImage"), imaging(images, snapshots)),
	},
	{
		Name: "snapshot", Task: true, Timeout: stepTimeout, Memory: memory,
		Does:        "Reads a snapshot's disk, copies it, and registers an image of the copy, once for each run.",
		Environment: env(settings.Table),
		Statements: join(everyTask("snapshot"), ledger("PutItem", "UpdateItem", "Query"), []Statement{
			look("DescribeSnapshots", "DescribeImages", "DescribeImageAttribute", "DescribeVolumes", "DescribeInstances"),
			lookAtFirmware,
		}, onTagged([]string{tag.Plan, tag.Request}, "ebs:ListSnapshotBlocks", "ebs:GetSnapshotBlock"),
			onTagged([]string{tag.Plan, tag.Request, tag.Device}, "ec2:CopySnapshot"), registering),
	},
	{
		Name: "watch", Task: true, Timeout: stepTimeout, Memory: memory,
		Does:        "Begins a wait, and looks once in case what is awaited came first.",
		Environment: env(settings.Table),
		Statements: join(everyTask("watch"), ledger("PutItem", "DeleteItem"),
			[]Statement{lookAtWaits, lookAtRefreshes, endWell}),
	},
	{
		Name: "start", Task: true, Timeout: stepTimeout, Memory: memory, Reserved: startReserved,
		Does:        "Sees which sources EC2 would start again, and starts the instance that its run stopped.",
		Environment: env(settings.Table),
		Statements: join(everyTask("start"), ledger("PutItem", "UpdateItem", "DeleteItem", "Query"),
			[]Statement{look("DescribeInstances")},
			starting),
	},
	{
		Name: "verify", Task: true, Timeout: stepTimeout, Memory: memory, Reserved: verifyReserved,
		Does: "Launches a test instance from the image where the plan says so, runs its command there, and " +
			"terminates it. Makes general images, of clones that it launches, cleans, stops and terminates.",
		Environment: env(settings.Table),
		Statements: join(everyTask("verify"), ledger("PutItem", "UpdateItem"), []Statement{
			look("DescribeImages", "DescribeInstances"),
		}, testing, generalizing, endTests),
	},
	{
		Name: "share", Task: true, Timeout: stepTimeout, Memory: memory,
		Does:        "Lets other accounts launch the image where the plan says so.",
		Environment: env(settings.Table),
		Statements: join(everyTask("share"), ledger("GetItem", "PutItem", "UpdateItem"), []Statement{
			look("DescribeImages", "DescribeSnapshots"), lookAtOrganization,
		}, sharing),
	},
	{
		Name: "roll", Task: true, Timeout: stepTimeout, Memory: memory,
		Does:        "Points launch templates and Parameter Store aliases at the new image.",
		Environment: env(settings.Table, settings.ImagePath),
		Statements: join(everyTask("roll"), ledger("GetItem", "Query", "UpdateItem"), []Statement{
			lookAtGroups, look("DescribeLaunchTemplates", "DescribeLaunchTemplateVersions", "DescribeInstanceTypes",
				"GetInstanceTypesFromInstanceRequirements", "DescribeImages", "DescribeSnapshots", "DescribeFleets",
				"DescribeSpotFleetRequests",
				"DescribeInstances", "DescribeVolumes"),
		}, rolling),
	},
	{
		Name: "release", Task: true, Timeout: stepTimeout, Memory: memory,
		Does: "Writes the result, answers the request tag, brings a group's member back into service, and drops " +
			"the claim.",
		Environment: env(settings.Table, settings.PlansFile),
		Statements: join(everyTask("release"), ledger("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"),
			[]Statement{look("DescribeImages", "DescribeInstances"), lookAtMembers, lookAtReplaced, leavingStandby,
				unprotecting, lowering, lookAtTargets, reregistering}, noting, untagging, commanding),
	},
	{
		Name: "copy", Task: true, Timeout: stepTimeout, Memory: memory,
		Does: "Copies the image to other Regions and under other keys where the plan says so, and sees what " +
			"becomes of it.",
		Environment: env(settings.Table, settings.ImagePath),
		Statements: join(everyTask("copy"), ledger("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"),
			[]Statement{look("DescribeImages"), lookAtOwnOrganization, lookAtRolledCopies}, copying, sharingCopies,
			rollingCopies),
	},
	{
		Name: "refresh", Task: true, Timeout: stepTimeout, Memory: memory,
		Does:        "Has Auto Scaling groups refreshed that launch from what was rolled.",
		Environment: env(settings.Table),
		Statements: join(everyTask("refresh"), ledger("PutItem", "Query"),
			[]Statement{lookAtGroups, look("DescribeLaunchTemplateVersions")}, refreshing),
	},
	{
		Name: "retire", Task: true, Timeout: pageTimeout, Memory: retireMemory,
		Does: "Removes images that no rule keeps and nothing uses, with their snapshots and the template versions " +
			"that name them.",
		Environment: env(settings.Table, settings.ImagePath),
		Statements: join(everyTask("retire"), ledger("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"), []Statement{
			look("DescribeImages", "DescribeInstances", "DescribeLaunchTemplates", "DescribeLaunchTemplateVersions",
				"DescribeImageAttribute", "DescribeImageReferences", "DescribeSnapshots", "ListImagesInRecycleBin"), lookAtUses,
		}, referring, retiring, sharing, reporting, retiringCopies, pruningCopies, sharingCopies, reportingCopies),
	},
	{
		Name: "notify", Task: true, Timeout: stepTimeout, Memory: memory,
		Does:        "Adds up what became of every source and tells people once.",
		Environment: env(settings.Table, settings.Account, settings.SlackSecret, settings.Topic, settings.Bucket),
		Statements: join(everyTask("notify"), ledger("GetItem", "UpdateItem", "DeleteItem", "Query"), notifying,
			[]Statement{signing}, untagging),
	},
	{
		Name: "report", Task: true, Timeout: stepTimeout, Memory: memory,
		Does:        "Writes the page of a run that messages lead to, where a plan says so.",
		Environment: env(settings.Table, settings.Account, settings.Bucket),
		Statements:  join(everyTask("report"), ledger("GetItem", "Query"), []Statement{keepingPages}),
	},
	{
		Name: "trigger", Timeout: stepTimeout, Memory: memory, MaxAge: longAge,
		Does: "Starts runs: for a schedule, a tag, or a person.",
		Environment: with(env(settings.Table, settings.Account, settings.PlansFile, settings.PlanSums), settings.StateMachine,
			"${StateMachineAlias}"),
		Statements: join(everyHandler("trigger"), ledger("GetItem", "UpdateItem"), []Statement{startRuns, askAboutRequests}),
	},
	{
		Name: "rollback", Timeout: stepTimeout, Memory: memory, MaxAge: wakeAge,
		Does: "Points a source's launch templates and alias back at an earlier image, and rolls back what is being " +
			"refreshed, for a person.",
		Environment: env(settings.Table, settings.SlackSecret, settings.Topic, settings.Channels),
		Statements: join(everyHandler("rollback"), ledger("GetItem", "PutItem", "Query", "UpdateItem"), []Statement{
			lookAtGroups, lookAtMembers, lookAtConfigurations,
			look("DescribeLaunchTemplateVersions", "DescribeImages", "DescribeInstances",
				"DescribeFleets", "DescribeSpotFleetRequests", "DescribeInstanceTypes",
				"GetInstanceTypesFromInstanceRequirements", "DescribeSnapshots"),
		}, rolling, rollingCopies, refreshingBack, refreshing, notifying),
	},
	{
		Name: "wake", Timeout: stepTimeout, Memory: memory, Reserved: wakeReserved, MaxAge: wakeAge,
		Does:        "Ends a wait when an event says that something changed.",
		Environment: env(settings.Table, settings.Account),
		Statements: join(everyHandler("wake"), ledger("Query", "DeleteItem"),
			[]Statement{lookAtWaits, lookAtRefreshes, endWaits}),
	},
	{
		Name: "recover", Timeout: sweepTimeout, Memory: memory, Reserved: recoverReserved, MaxAge: longAge,
		Does: "Brings back what ended runs left stopped, answers requests and schedules nobody heard of, and tells of " +
			"runs that could not.",
		Environment: with(env(settings.Table, settings.Account, settings.PlansFile, settings.SlackSecret,
			settings.Topic, settings.ImagePath, settings.Version), settings.StateMachine,
			"${StateMachineAlias}"),
		Statements: join(everyHandler("recover"), ledger("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"),
			[]Statement{
				look("DescribeInstances", "DescribeSnapshots", "DescribeImages", "DescribeLaunchTemplates",
					"DescribeLaunchTemplateVersions",
					"DescribeImageAttribute", "DescribeImageReferences"), lookAtUses,
				lookAtMembers, leavingStandby, unprotecting, lowering, lookAtTargets, reregistering, askAboutRuns,
				listRuns, startRuns, askAboutSchedules,
			}, starting, tracingBack, endTests, notifying, untagging, referring, discarding, commandingBack),
	},
}

// env is the environment of a function that asks for these settings.
func env(names ...settings.Name) map[string]string {
	all := map[settings.Name]string{
		settings.Table: "${Table}", settings.Account: "${Account}", settings.PlansFile: "/var/task/" + PlansFile,
		settings.SlackSecret: "${SlackSecret}", settings.Topic: "${Topic}", settings.Bucket: "${Bucket}",
		settings.Channels: "${Channels}", settings.ImagePath: "${ImagePath}", settings.VolumeKeys: "${GrantedKeys}",
		settings.PlanSums: "${PlanSums}", settings.Version: "${Version}",
	}
	values := map[string]string{}
	for _, name := range names {
		values[string(name)] = all[name]
	}
	return values
}

func with(environment map[string]string, name settings.Name, value string) map[string]string {
	environment[string(name)] = value
	return environment
}
