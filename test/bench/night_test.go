package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/asl"
	"goldsmith/local/clock"
	"goldsmith/local/ec2"
	"goldsmith/local/query"
	"goldsmith/local/sfn"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// What the program measures with; plain `go test` keeps to sizes that take seconds.
var (
	figures = flag.String("figures", "",
		"folder that the nights' figures are written to as JSON; with it, nights that are only told are played too")
	fleet     = flag.Int("fleet", 40, "sources of the nights without events")
	throttle  = flag.Int("throttled", 60, "sources of the throttled nights")
	rehearsed = flag.Int("rehearsed", 60, "sources of the rehearsal")
)

// hold is an assertion of a budget. The program judges by itself what it measures,
// and tells every figure whatever became of another.
func hold(t *testing.T, kept bool, format string, args ...any) {
	t.Helper()
	if !kept && *figures == "" {
		t.Errorf(format, args...)
	}
}

// record writes a night's figures for the program.
func record(t *testing.T, name string, measured any) {
	t.Helper()
	if err := keep(*figures, name, measured); err != nil {
		t.Fatal(err)
	}
}

// night is one nightly run over a fleet, played to its end in fake time.
type night struct {
	*stack.Stack
	t       *testing.T
	ctx     context.Context
	cloud   *sdk.Client
	ids     []string
	several int
	begun   int // calls before the night began
	run     sfn.Execution
	results map[string]job.Result
}

// due is when the plan is scheduled; a synctest bubble begins half an hour earlier.
const due = "at(2000-01-01T00:30:00)"

// play runs one night over so many sources, each with a launch template of its
// own, and hands it to read while the embedded AWS still stands.
func play(
	t *testing.T, sources, concurrency int, o stack.Options, read func(n *night), edits ...func(*plan.Plan),
) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := stand(t, sources, concurrency, o, edits...)
		defer func() { n.ok(n.Close()) }()
		time.Sleep(time.Until(time.Date(2000, 1, 1, 0, 30, 15, 0, time.UTC)))
		n.finish()
		read(n)
	})
}

// stand is the fleet, half an hour before the night.
func stand(t *testing.T, sources, concurrency int, o stack.Options, edits ...func(*plan.Plan)) *night {
	t.Helper()
	n := &night{t: t, ctx: t.Context(), results: map[string]job.Result{}}
	p := plan.Default()
	p.Name, p.Schedule, p.Concurrency, p.Window = "nightly", due, concurrency, plan.Duration(24*time.Hour)
	for _, edit := range edits {
		edit(&p)
	}
	o.Clock, o.Seed = clock.Real(), 1
	o.Plans = plan.Plans{Default: p.Name, Plans: map[string]plan.Plan{p.Name: p}}
	var err error
	if n.Stack, err = stack.New(o); err != nil {
		t.Fatal(err)
	}
	n.cloud = sdk.NewFromConfig(n.AWS())
	n.seed(sources)
	if p.Commanded() {
		n.manage()
	}
	n.begun = n.Calls.Len()
	return n
}

// kinds are the data volumes that servers have, and how many in a hundred have them.
var kinds = []struct {
	share int
	disks []types.VolumeType
}{
	{15, []types.VolumeType{types.VolumeTypeGp3}},
	{10, []types.VolumeType{types.VolumeTypeGp3, types.VolumeTypeGp3, types.VolumeTypeGp3}},
	{5, []types.VolumeType{types.VolumeTypeGp3, types.VolumeTypeSt1}},
}

func (n *night) seed(sources int) {
	n.t.Helper()
	for _, kind := range kinds {
		n.launch(sources*kind.share/100, kind.disks)
	}
	n.several = len(n.ids)
	n.launch(sources-n.several, nil)
	slices.Sort(n.ids) // as select hands them out
}

// launch starts running servers, each with its own name and its own launch template.
func (n *night) launch(count int, disks []types.VolumeType) {
	n.t.Helper()
	in := &sdk.RunInstancesInput{ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro"}
	for i, disk := range disks {
		in.BlockDeviceMappings = append(in.BlockDeviceMappings, types.BlockDeviceMapping{
			DeviceName: aws.String(fmt.Sprintf("/dev/sd%c", 'f'+i)),
			Ebs:        &types.EbsBlockDevice{VolumeType: disk, VolumeSize: aws.Int32(500)},
		})
	}
	for ; count > 0; count -= 1000 {
		in.MinCount = aws.Int32(int32(min(1000, count))) // at most 1000
		in.MaxCount, in.ClientToken = in.MinCount, nil   // the client writes its token into what it is given
		out, err := n.cloud.RunInstances(n.ctx, in)
		n.ok(err)
		for _, i := range out.Instances {
			n.settle(aws.ToString(i.InstanceId))
		}
	}
}

func (n *night) settle(id string) {
	n.t.Helper()
	name := fmt.Sprintf("app-%d", len(n.ids))
	n.ids = append(n.ids, id)
	n.ok(n.EC2.SetState(id, ec2.Running))
	n.ok(n.EC2.SetTags(id, map[string]string{"Name": name, tag.Plan: "nightly"}))
	_, err := n.cloud.CreateLaunchTemplate(n.ctx, &sdk.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String(name),
		LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro"},
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeLaunchTemplate, Tags: tag.List(map[string]string{tag.Source: name}),
		}},
	})
	n.ok(err)
}

// manage has Systems Manager reach the agent of every source.
func (n *night) manage() {
	n.t.Helper()
	n.EC2.AddInstanceProfile("managed")
	for _, id := range n.ids {
		n.ok(n.EC2.SetInstanceProfile(id, "managed"))
	}
}

// finish waits for the run's end and reads what it made of each source.
func (n *night) finish() {
	n.t.Helper()
	runs := n.runs()
	if len(runs) != 1 {
		n.t.Fatalf("%d runs, want one", len(runs))
	}
	var err error
	n.run, err = n.States.Wait(n.ctx, runs[0].ARN)
	n.ok(err)
	for result, err := range n.Ledger.Results(n.ctx, n.run.Name) {
		n.ok(err)
		n.results[result.Source] = result
	}
	for _, id := range n.ids {
		if r := n.results[id]; r.Ending != job.Imaged || len(r.Rolled) != 2 {
			n.t.Fatalf("%s ended as %q (%s) with %d rolled, want it imaged with 2: a night that failed measures nothing", id,
				r.Ending, r.Problem, len(r.Rolled))
		}
	}
}

func (n *night) runs() []sfn.Execution { return n.States.List(sfn.Filter{Machine: n.Machine}) }

func (n *night) ok(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

// over is a figure in seconds of every source.
func (n *night) over(of func(r job.Result, took ec2.Times) time.Duration) spread {
	var all []float64
	for _, id := range n.ids {
		all = append(all, of(n.results[id], n.EC2.Times(id)).Seconds())
	}
	return spreadOf(all)
}

// added is the downtime beyond EC2's own.
func (n *night) added() spread {
	return n.over(func(r job.Result, took ec2.Times) time.Duration { return r.Times.Downtime() - took.Minimum() })
}

// transitions are those of the run and its children, for each image.
func (n *night) transitions() float64 {
	n.t.Helper()
	made, err := n.States.Transitions(n.run.ARN)
	n.ok(err)
	return float64(made) / float64(len(n.ids))
}

// counted are the services whose calls the budget is about.
var counted = []string{"ec2", "autoscaling", "ssm"}

// calls are the functions' calls during the night, with the function that made
// each and the source it was made for; "" for none in particular. A wake-up by
// an image's event is of the source whose image it is.
func (n *night) calls(each func(c query.Record, function, source string)) {
	owner := map[string]string{}
	for _, c := range n.Calls.Since(n.begun) {
		function, source, ours := strings.Cut(c.Caller, "/")
		if !ours || !slices.Contains(counted, c.Service) {
			continue
		}
		if function == "recover" { // One call of a sweep is for many sources.
			each(c, function, "")
			continue
		}
		for _, resource := range c.Resources {
			if source == "" {
				source = owner[resource]
			}
		}
		if source != "" {
			for _, resource := range c.Resources {
				owner[resource] = source
			}
		}
		each(c, function, source)
	}
}

// latent makes each function answer later, as one that has to be started does.
type latent struct {
	asl.Invoker
	clock *clock.Clock
	delay time.Duration
}

// Invoke waits and calls the function.
func (l latent) Invoke(ctx context.Context, function string, payload []byte) ([]byte, *asl.Error) {
	if err := l.clock.Sleep(ctx, l.delay); err != nil {
		return nil, &asl.Error{Name: "Lambda.SdkClientException", Cause: err.Error()}
	}
	return l.Invoker.Invoke(ctx, function, payload)
}
