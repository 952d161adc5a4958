// Package events holds the events Goldsmith takes and sends: a real-shaped sample of each,
// the patterns of the rules that route them, and the inputs of its own schedules.
// The deployment, the embedded AWS and the tests all read them here.
package events

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

//go:embed samples/*.json patterns/*.json inputs/*.json sent/*.json schemas/*.json
var files embed.FS

// Rule routes events of the default event bus to a function.
type Rule struct {
	// Name is the rule's name and its pattern's file: patterns/<name>.json.
	Name string
	// Function is the target, as its folder under functions/ is called.
	Function string
	// Event is the type of shared/event that what matches decodes to.
	Event string
	// From is who sends it.
	From string
	// Loss is what a lost event costs; AWS sends all of these on a best-effort basis.
	Loss string
}

// Rules are all rules of the default event bus.
var Rules = []Rule{
	{
		Name: "image-requested", Function: "trigger", Event: "Requested",
		From: "Tagging (`aws.tag`), when somebody puts `goldsmith:image` on an instance or a snapshot, or changes it",
		Loss: "the run begins some ten minutes later, when two sweeps have seen the tag",
	},
	{
		Name: "snapshot-appeared", Function: "wake", Event: "SnapshotTagged",
		From: "Tagging (`aws.tag`), when CreateImage's snapshots appear with Goldsmith's tags",
		Loss: "one heartbeat of downtime for that source",
	},
	{
		Name: "instance-settled", Function: "wake", Event: "InstanceChanged",
		From: "EC2 (`aws.ec2`), when an instance is stopped, running or terminated",
		Loss: "one heartbeat: of downtime when it was `stopped`, of waiting when it was `running`",
	},
	{
		Name: "image-settled", Function: "wake", Event: "ImageChanged",
		From: "EC2 (`aws.ec2`), when an image is available, failed, deregistered or disabled",
		Loss: "one heartbeat of waiting; the instance runs already",
	},
	{
		Name: "snapshot-copied", Function: "wake", Event: "SnapshotCopied",
		From: "EBS (`aws.ec2`), when a copy of a snapshot is complete, or has failed",
		Loss: "one heartbeat of waiting; no instance of ours is down",
	},
	{
		Name: "refresh-ended", Function: "wake", Event: "RefreshEnded",
		From: "Auto Scaling (`aws.autoscaling`), when an instance refresh succeeded, failed, was cancelled or was rolled " +
			"back",
		Loss: "one heartbeat of waiting; no instance of ours is down",
	},
	{
		Name: "run-ended", Function: "recover", Event: "ExecutionEnded",
		From: "Step Functions (`aws.states`), when a run or one source's child execution failed, timed out or was aborted",
		Loss: "what the run left stopped stays so until the next sweep",
	},
}

// Pattern is the rule's event pattern with each ${key} replaced by its value: all need
// Account and Region, run-ended StateMachineArn too. It is an error when one is left.
func (r Rule) Pattern(values map[string]string) ([]byte, error) {
	return fill("patterns/"+r.Name+".json", values)
}

// Input reaches a function without a rule: from EventBridge Scheduler, which
// names its target itself, or from a person.
type Input struct {
	// Name is the input's name; Scheduler's are files: inputs/<name>.json.
	Name string
	// Function is the function invoked.
	Function string
	// Event is the type of shared/event it decodes to.
	Event string
	// From is who sends it.
	From string
	// Loss is what a lost one costs.
	Loss string
}

// Inputs are all inputs that need no rule.
var Inputs = []Input{
	{
		Name: "schedule", Function: "trigger", Event: "Scheduled",
		From: "EventBridge Scheduler, when a plan's schedule is due (at least once)",
		Loss: "the run begins a quarter of an hour late, by the sweep; when its window has closed, people are told",
	},
	{
		Name: "run", Function: "trigger", Event: "RunNow",
		From: "A person, by `goldsmith run` or `aws lambda invoke`",
		Loss: "no run; the sender sees the error",
	},
	{
		Name: "rollback", Function: "rollback", Event: "Rollback",
		From: "A person, by `aws lambda invoke`",
		Loss: "nothing is rolled back; the sender sees the error",
	},
	{
		Name: "handover", Function: "rollback", Event: "Handover",
		From: "A person, by `goldsmith handover` or `aws lambda invoke`",
		Loss: "the name stays whose it is; the sender sees the error",
	},
	{
		Name: "sweep", Function: "recover", Event: "Sweep",
		From: "EventBridge Scheduler, every few minutes (at least once)",
		Loss: "nothing; the next sweep does its work",
	},
}

// Payload is the input as Scheduler is given it, with each ${key} replaced by
// its value: schedule needs Plan. Scheduler's own <aws.scheduler...> keywords
// stay. The inputs run, rollback and handover have none, since people send them.
func (i Input) Payload(values map[string]string) ([]byte, error) {
	return fill("inputs/"+i.Name+".json", values)
}

// Sample is the sample of that name.
func Sample(name string) ([]byte, error) { return files.ReadFile("samples/" + name + ".json") }

// Sent is the sample of an event that Goldsmith sends, and its JSON schema, by its name, such as run-ended.
func Sent(name string) (sample, schema []byte, err error) {
	if sample, err = files.ReadFile("sent/" + name + ".json"); err != nil {
		return nil, nil, err
	}
	schema, err = files.ReadFile("schemas/" + name + ".schema.json")
	return sample, schema, err
}

// Samples are the names of all samples, in order.
func Samples() ([]string, error) {
	entries, err := files.ReadDir("samples")
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = strings.TrimSuffix(entry.Name(), ".json")
	}
	slices.Sort(names)
	return names, nil
}

// placeholder is replaced in one pass, since a value may itself hold a ${Token} of the CDK.
var placeholder = regexp.MustCompile(`\$\{\w+\}`)

func fill(file string, values map[string]string) ([]byte, error) {
	text, err := files.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var missing []string
	filled := placeholder.ReplaceAllFunc(text, func(found []byte) []byte {
		key := string(found[2 : len(found)-1])
		value, ok := values[key]
		if !ok {
			missing = append(missing, key)
		}
		return []byte(value)
	})
	if len(missing) > 0 {
		return nil, fmt.Errorf("%s: no value for %s", file, strings.Join(missing, ", "))
	}
	return filled, nil
}
