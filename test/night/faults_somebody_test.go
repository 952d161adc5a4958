package night_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/sfn"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
)

// deed is what somebody else does to the instance while Goldsmith works on it.
type deed struct {
	what string
	do   func(n *night, web string)
	want map[string]cell // by the step before which it happens; "" is for the others
}

// cell is what comes of a deed at one step.
type cell struct {
	ending  job.Ending
	problem string // part of the result's problem, or of the reason for a skip
	warned  bool   // that somebody started it early
	gone    bool   // the instance is
}

func deeds() []deed {
	fine, gone := cell{ending: job.Imaged}, cell{ending: job.Broken, problem: "terminated", gone: true}
	early := cell{ending: job.Imaged, warned: true}
	return []deed{
		{"starts it", startIt, map[string]cell{"": fine, "image": {ending: job.Broken, problem: "was started by other hands"},
			"watch:snapshotted": early}},
		{"terminates it", terminateIt, map[string]cell{
			"": gone, "claim": {ending: job.Skipped, problem: string(job.Terminating), gone: true},
			"stop": {ending: job.Broken, problem: "IncorrectInstanceState", gone: true},
			// The image is whole, whatever becomes of the instance then.
			"watch:available": {ending: job.Imaged, gone: true}, "roll": {ending: job.Imaged, gone: true},
			"release": {ending: job.Imaged, gone: true},
		}},
		{"takes its tag `goldsmith:plan` off", untagIt,
			map[string]cell{"": fine, "claim": {ending: job.Skipped, problem: string(job.NotEnrolled)}}},
		{"gives it another plan and another name", retagIt,
			map[string]cell{"": fine, "claim": {ending: job.Skipped, problem: string(job.NotEnrolled)}}},
	}
}

// startIt is refused while the instance is stopping, which is all the same to whoever tries.
func startIt(n *night, web string) {
	if n.EC2.State(web) != ec2.Stopping {
		must(n.cloud.StartInstances(n.ctx, &sdk.StartInstancesInput{InstanceIds: []string{web}}))(n.t)
	}
}

func terminateIt(n *night, web string) {
	must(n.cloud.TerminateInstances(n.ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{web}}))(n.t)
}

func untagIt(n *night, web string) {
	must(n.cloud.DeleteTags(n.ctx, &sdk.DeleteTagsInput{Resources: []string{web},
		Tags: []types.Tag{{Key: aws.String(tag.Plan)}}}))(n.t)
}

func retagIt(n *night, web string) {
	n.ok(n.tagAs(web, map[string]string{tag.Plan: "weekly", tag.Name: "another"}))
}

// play plays the deed before a step, and says what became of the source.
func (d deed) play(t *testing.T, step string) (became string) {
	t.Helper()
	want, special := d.want[step]
	if !special {
		want = d.want[""]
	}
	amongOthers(t, func(n *night, web, _ string) {
		n.at(step, web, func(work) { d.do(n, web) })
	}, func(n *night, r sfn.Execution, web string) {
		want.hold(n, r, web)
		became = want.told(n, r, web)
	})
	return became
}

func (c cell) hold(n *night, r sfn.Execution, web string) {
	n.t.Helper()
	result := n.results(r)[web]
	problem := result.Problem
	if result.Skip != nil {
		problem = string(result.Skip.Code)
	}
	if result.Ending != c.ending || !strings.Contains(problem, c.problem) {
		n.t.Errorf("%s ended %q (%s), want %s with %q", web, result.Ending, problem, c.ending, c.problem)
	}
	n.saysOf(r, web, c.problem)
	if c.ending == job.Broken {
		n.saysOf(r, "PARTIAL", "Now:")
	}
	warned := false
	for _, w := range result.Warnings {
		warned = warned || w.Code == job.StartedEarly
	}
	n.want("warned of an early start", warned, c.warned)
	if c.ending == job.Imaged {
		n.want("the image holds what was written while it was taken", n.EC2.Taken(result.Image.ID).Live, c.warned)
	}
	if !c.gone {
		n.want("state", n.EC2.State(web), ec2.Running)
	}
}

// told is a cell of the page's table.
func (c cell) told(n *night, r sfn.Execution, web string) string {
	n.t.Helper()
	result := n.results(r)[web]
	said := map[job.Ending]string{job.Imaged: "imaged", job.Broken: "failed", job.Skipped: "skipped",
		job.LeftStopped: "left stopped"}[result.Ending]
	if down := result.Times.Downtime(); down > 0 && !c.gone {
		said += ", back after " + down.Round(time.Second).String()
	}
	if c.warned {
		said += ", warned"
	}
	return said
}
