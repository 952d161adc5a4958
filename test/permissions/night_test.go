package permissions

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/infra/workflow"
	"goldsmith/local/asl"
	"goldsmith/local/clock"
	"goldsmith/local/ec2"
	"goldsmith/local/eventbridge"
	"goldsmith/local/sfn"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
)

// night is one night in fake time under the deployed roles.
type night struct {
	*stack.Stack
	t      *testing.T
	ctx    context.Context
	cloud  *sdk.Client
	ledger *deployedLedger
	guard  *guard

	mu    sync.Mutex
	hooks map[string]func(execution string)
	inner asl.Invoker
}

// play plays a night and then wants exactly these refusals.
func play(t *testing.T, g *guard, events map[string]eventbridge.Faults, story func(n *night), refusals ...string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &night{t: t, ctx: t.Context(), guard: g, ledger: &deployedLedger{}, hooks: map[string]func(string){}}
		var err error
		n.Stack, err = stack.New(stack.Options{
			VolumeKeys: []string{keys.Volume, theirKey},
			Clock:      clock.Real(), Plans: plans(t), Seed: 1, Region: here.Region, Account: here.ID, Events: events,
			EC2:    ec2.Options{Regions: []string{paris, oregon}},
			Ledger: n.ledger, Guard: g.before, Wrap: n.between, History: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		n.deploy()
		n.ledger.Dynamo = ledger.NewDynamo(dynamodb.NewFromConfig(n.AWS()), tableName(t))
		n.cloud = sdk.NewFromConfig(n.AWS())
		g.denied = nil
		story(n)
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		n.want("refusals", strings.Join(g.refusals(), "; "), strings.Join(refusals, "; "))
		for _, problem := range g.problems {
			t.Error(problem)
		}
		n.note()
	})
}

func tableName(t *testing.T) string {
	t.Helper()
	template := deployed(t)
	return must(template.name(template.Kind("AWS::DynamoDB::Table")[0].ID))(t).(string)
}

// between is suite.Options.Wrap: it lets the night do something before a function runs.
func (n *night) between(inner asl.Invoker) asl.Invoker {
	n.inner = inner
	return n
}

// Invoke calls a function, whose role may have to write logs before it does anything else.
func (n *night) Invoke(ctx context.Context, function string, payload []byte) ([]byte, *asl.Error) {
	name := workflow.FunctionIn(function)
	n.guard.decide(name, n.guard.scene.Running(name))
	var document struct {
		Execution string   `json:"execution"`
		For       string   `json:"for"`
		Job       struct{} `json:"job"`
	}
	_ = json.Unmarshal(payload, &document) // Events are no documents of ours.
	step := name
	if document.For != "" {
		step += ":" + document.For
	}
	n.mu.Lock()
	hook := n.hooks[step]
	delete(n.hooks, step)
	n.mu.Unlock()
	if hook != nil {
		hook(document.Execution)
	}
	return n.inner.Invoke(ctx, function, payload)
}

// before does something once, just before a step runs.
func (n *night) before(step string, do func(execution string)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hooks[step] = do
}

// note decides what AWS did on its own account this night: the machine invoked tasks,
// Scheduler functions, and failed events were kept.
func (n *night) note() {
	lambda := func(name string) string { return here.ARN("lambda", "function:"+workflow.Name+"-"+name) }
	n.guard.decide(machineRole, n.guard.scene.MachineRunning(workflow.Name, workflow.MapLabel))
	for _, task := range workflow.Tasks {
		if n.guard.allowed[task] != nil {
			n.guard.decide(machineRole, all([]string{"lambda:InvokeFunction"}, versionARN(task), nil))
			// By a run that began when definitions named no versions.
			n.guard.decide(machineRole, all([]string{"lambda:InvokeFunction"}, lambda(task), nil))
		}
	}
	letters := n.guard.scene.Failing(workflow.Name + "-dead-letters")
	for _, r := range n.Bus.Records() {
		n.guard.decide(r.Function, letters)
		if r.Source == eventbridge.SchedulerSource {
			n.guard.decide(schedulerRole, append(all([]string{"lambda:InvokeFunction"}, lambda(r.Function), nil), letters...))
		}
	}
}

// due is when plan nightly runs.
var due = time.Date(2000, time.January, 1, 0, 30, 0, 0, time.UTC)

// run waits until a moment has come and every run that has begun by then has ended.
func (n *night) run(until time.Time) {
	n.t.Helper()
	time.Sleep(time.Until(until) + 15*time.Second)
	for _, r := range n.States.List(sfn.Filter{Machine: n.Machine}) {
		if _, err := n.States.Wait(n.ctx, r.ARN); err != nil {
			n.t.Fatal(err)
		}
	}
}

// launch starts an instance; spot and stopped are words of the description.
func (n *night) launch(
	image, description string, tags map[string]string, edits ...func(*sdk.RunInstancesInput),
) string {
	n.t.Helper()
	one := int32(1)
	in := &sdk.RunInstancesInput{
		ImageId: aws.String(image), InstanceType: "m3.medium", MinCount: &one, MaxCount: &one,
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: tag.List(tags)}},
	}
	if strings.Contains(description, "spot") {
		in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot,
			SpotOptions: &types.SpotMarketOptions{
				SpotInstanceType:             types.SpotInstanceTypePersistent,
				InstanceInterruptionBehavior: types.InstanceInterruptionBehaviorStop,
			}}
	}
	if strings.Contains(description, "keeps its volume") {
		in.BlockDeviceMappings = []types.BlockDeviceMapping{{
			DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{DeleteOnTermination: aws.Bool(false)},
		}}
	}
	for _, edit := range edits {
		edit(in)
	}
	id := aws.ToString(must(n.cloud.RunInstances(n.ctx, in))(n.t).Instances[0].InstanceId)
	n.ok(n.EC2.SetState(id, ec2.Running))
	if strings.Contains(description, "stopped") {
		n.ok(n.EC2.SetState(id, ec2.Stopped))
	}
	return id
}

func enrolled(name, plan string) map[string]string {
	return map[string]string{"Name": name, tag.Plan: plan}
}

func (n *night) tag(id string, tags map[string]string) {
	n.t.Helper()
	must(n.cloud.CreateTags(n.ctx, &sdk.CreateTagsInput{Resources: []string{id}, Tags: tag.List(tags)}))(n.t)
}

func (n *night) untag(id, key string) {
	n.t.Helper()
	must(n.cloud.DeleteTags(n.ctx, &sdk.DeleteTagsInput{Resources: []string{id},
		Tags: []types.Tag{{Key: aws.String(key)}}}))(n.t)
}

func (n *night) template(name, image string, tags map[string]string) string {
	n.t.Helper()
	in := &sdk.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String(name),
		LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(image), InstanceType: "m5.large"},
	}
	if tags != nil {
		in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeLaunchTemplate,
			Tags: tag.List(tags)}}
	}
	return aws.ToString(must(n.cloud.CreateLaunchTemplate(n.ctx, in))(n.t).LaunchTemplate.LaunchTemplateId)
}

// result is the last result of a source.
func (n *night) result(id string) job.Result {
	n.t.Helper()
	for _, r := range n.States.List(sfn.Filter{Machine: n.Machine}) {
		for result, err := range n.ledger.Results(n.ctx, r.Name) {
			n.ok(err)
			if result.Source == id {
				return result
			}
		}
	}
	n.t.Fatalf("nobody knows what became of %s", id)
	return job.Result{}
}

func (n *night) ok(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

func (n *night) want(what string, got, want any) {
	n.t.Helper()
	if got != want {
		n.t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// runOf is the run of a plan.
func (n *night) runOf(plan string) string {
	n.t.Helper()
	for _, r := range n.States.List(sfn.Filter{Machine: n.Machine}) {
		if strings.HasPrefix(r.Name, plan+"-") {
			return r.ARN
		}
	}
	n.t.Fatalf("plan %s has no run", plan)
	return ""
}

func (n *night) onlyRun() string {
	n.t.Helper()
	runs := n.States.List(sfn.Filter{Machine: n.Machine})
	if len(runs) != 1 {
		n.t.Fatalf("%d runs, want one", len(runs))
	}
	return runs[0].ARN
}
