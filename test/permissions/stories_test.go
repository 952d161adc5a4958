package permissions

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/infra/workflow"
	"goldsmith/local/ec2"
	"goldsmith/local/eventbridge"
	"goldsmith/local/query"
	"goldsmith/local/slack"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
)

// story is one night. What is refused has to be named.
type story struct {
	name     string
	events   map[string]eventbridge.Faults
	play     func(n *night)
	refusals []string
}

// silent loses every event but Scheduler's.
var silent = map[string]eventbridge.Faults{"": {Loss: 1}, eventbridge.SchedulerSource: {}}

// stories are nights in which every function does everything that it can do.
var stories = []story{
	{name: "a night with templates and aliases", play: everything},
	{name: "a rollback, and one past an edit", play: rolledBack},
	{name: "names that were others', and one that is handed over", play: handedOver},
	{name: "both status checks", play: func(n *night) {
		web := n.launch(ec2.ImageX86, "", enrolled("web", "checked"))
		n.run(due.Add(3 * time.Hour)) // in Berlin it is 04:30
		n.want("ending", n.result(web).Ending, job.Imaged)
	}},
	{name: "both status checks, no events", events: silent, play: func(n *night) {
		web := n.launch(ec2.ImageX86, "", enrolled("web", "checked"))
		n.run(due.Add(3 * time.Hour)) // in Berlin it is 04:30
		n.want("ending", n.result(web).Ending, job.Imaged)
	}},
	{name: "a request on an instance that no plan enrols", play: func(n *night) {
		lab := n.launch(ec2.ImageX86, "", map[string]string{"Name": "lab"})
		n.tag(lab, map[string]string{tag.Request: "asked"})
		n.run(time.Now())
		n.want("ending", n.result(lab).Ending, job.Imaged)
		n.want("request", n.EC2.Tags(lab)[tag.Request], "")
	}},
	{name: "a request without a value", play: func(n *night) {
		lab := n.launch(ec2.ImageX86, "", map[string]string{"Name": "lab"})
		n.tag(lab, map[string]string{tag.Request: ""})
		n.run(time.Now())
		n.want("ending", n.result(lab).Ending, job.Imaged)
	}},
	{name: "a request on a snapshot", play: requestOnASnapshot("now")},
	{name: "an image of a snapshot, with a data volume", play: imageOfASnapshot},
	{name: "a request on a snapshot of a volume that is left", play: snapshotOfAVolumeThatIsLeft},
	{name: "snapshots that another tool makes", play: func(n *night) {
		n.launch(ec2.ImageX86, "", map[string]string{"Name": "lab"})
		volumes := must(n.cloud.DescribeVolumes(n.ctx, &sdk.DescribeVolumesInput{}))(n.t).Volumes
		made := must(n.cloud.CreateSnapshot(n.ctx, &sdk.CreateSnapshotInput{
			VolumeId: volumes[0].VolumeId,
			TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeSnapshot,
				Tags: tag.List(map[string]string{"Backup": "daily"})}},
		}))(n.t)
		n.run(due.Add(3 * time.Hour))
		n.want("ending", n.result(aws.ToString(made.SnapshotId)).Ending, job.Imaged)
	}},
	{name: "a request on a snapshot for a plan that there is not", play: requestOnASnapshot("not-a-plan")},
	{name: "a request on a snapshot that is aborted", play: func(n *night) {
		n.before("claim", func(string) { n.ok(n.States.Stop(n.onlyRun(), "", "")) })
		requestOnASnapshot("now")(n)
	}},
	// Somebody takes the tag off while the instance is down: no image is made of what is
	// not enrolled any more, and the instance comes back all the same.
	{name: "untagged before the image", play: func(n *night) {
		web := n.launch(ec2.ImageX86, "", enrolled("web", "nightly"))
		n.before("image", func(string) { n.untag(web, tag.Plan) })
		n.run(due)
		n.want("ending", n.result(web).Ending, job.Broken)
		n.want("state", n.EC2.State(web), ec2.Running)
	}, refusals: []string{"image: ec2:CreateImage"}},
	{name: "untagged after the image", play: func(n *night) {
		web := n.launch(ec2.ImageX86, "", enrolled("web", "nightly"))
		n.before("watch:snapshotted", func(string) { n.untag(web, tag.Plan) })
		n.run(due)
		n.want("ending", n.result(web).Ending, job.Imaged)
	}},
	// Another account's key is not among those that are deployed, so that who may use it is not seen.
	{name: "volumes under keys", play: underKeys, refusals: []string{"claim: kms:GetKeyPolicy", "claim: kms:ListGrants"}},
	{name: "images that are shared", play: shared},
	{name: "an image that is shared no longer", play: sharedNoLonger},
	{name: "images that are copied", play: copied},
	{name: "copies that are retired", play: copiesRetired},
	{name: "copies that are rolled, rolled back, and retired with what launched them", play: copiesRolled},
	{name: "copies that are shared, and one that is no longer", play: copiesSharedNoLonger},
	{name: "a member of a group", play: standing("grouped", 5*time.Hour)},
	{name: "a member of a group whose run is aborted", play: standingAborted("grouped", 5*time.Hour)},
	{name: "a member that is replaced", play: standing("replaced", 7*time.Hour)},
	{name: "a member that is replaced, of a run that is aborted", play: standingAborted("replaced", 7*time.Hour)},
	{name: "an instance in a target group", play: draining},
	{name: "an instance in a target group whose run is aborted", play: drainingAborted},
	{name: "commands around images that fail", play: commanded},
	{name: "commands around images whose runs are aborted", play: commandedAborted},
	{name: "an image while all stands still", play: frozen},
	{name: "a command that is due when nothing asks for an image any more", play: commandedUnasked},
	{name: "aborted", play: func(n *night) { aborted(n, 2) }},
	{name: "aborted, and the ledger is lost", play: func(n *night) {
		web := n.launch(ec2.ImageX86, "", enrolled("web", "nightly"))
		n.before("image", func(string) {
			n.ok(n.States.Stop(n.onlyRun(), "", ""))
			n.deploy()
		})
		n.run(due)
		time.Sleep(20 * time.Minute)
		n.want("state", n.EC2.State(web), ec2.Running)
		n.want("trace", n.EC2.Tags(web)[tag.Stopped], "")
	}},
	// What the sources of a large run do is read from a list.
	{name: "many aborted", play: manyAborted},
	{name: "aborted, and nobody told", events: silent, play: func(n *night) { aborted(n, 1) }},
	{name: "a schedule that started nothing", play: func(n *night) {
		web := n.launch(ec2.ImageX86, "", enrolled("web", "nightly"))
		n.Bus.Enable("goldsmith-nightly", false)
		time.Sleep(time.Until(due.Add(time.Minute)))
		n.Bus.Enable("goldsmith-nightly", true)
		n.run(due.Add(30 * time.Minute))
		n.want("ending", n.result(web).Ending, job.Imaged)
	}},
	{name: "a request nobody heard of", events: map[string]eventbridge.Faults{"aws.tag": {Loss: 1}}, play: func(n *night) {
		lab := n.launch(ec2.ImageX86, "", map[string]string{"Name": "lab"})
		n.tag(lab, map[string]string{tag.Request: "now"})
		n.run(time.Now().Add(20 * time.Minute))
		n.want("ending", n.result(lab).Ending, job.Imaged)
		n.want("request", n.EC2.Tags(lab)[tag.Request], "")
	}},
	{name: "a request for a plan that there is not", play: func(n *night) {
		lab := n.launch(ec2.ImageX86, "", map[string]string{"Name": "lab"})
		n.tag(lab, map[string]string{tag.Request: "not-a-plan"})
		n.run(time.Now())
		n.want("request", n.EC2.Tags(lab)[tag.Request], "")
	}},
	{name: "a request that changes while its run goes on", play: func(n *night) {
		lab := n.launch(ec2.ImageX86, "", map[string]string{"Name": "lab"})
		n.tag(lab, map[string]string{tag.Request: "now"})
		time.Sleep(10 * time.Second)
		n.tag(lab, map[string]string{tag.Request: ""})
		n.run(time.Now().Add(20 * time.Minute))
		n.want("request", n.EC2.Tags(lab)[tag.Request], "")
	}},
	{name: "a request that is aborted", play: func(n *night) {
		lab := n.launch(ec2.ImageX86, "", map[string]string{"Name": "lab"})
		n.before("image", func(string) { n.ok(n.States.Stop(n.onlyRun(), "", "")) })
		n.tag(lab, map[string]string{tag.Request: "now"})
		n.run(time.Now())
		time.Sleep(time.Minute)
		n.want("request", n.EC2.Tags(lab)[tag.Request], "")
	}},
	{name: "a request that waits for its turn in vain", play: waitedInVain},
	{name: "a dry run that fails", play: func(n *night) {
		web := n.launch(ec2.ImageX86, "", enrolled("web", "nightly"))
		n.EC2.Inject(ec2.Fault{Action: "StartInstances", Code: "UnauthorizedOperation", Status: 403})
		n.run(due)
		n.want("reason", n.result(web).Skip.Code, job.CannotStart)
	}},
	{name: "a start that only the sweep may make", play: startedBySweep},
	{name: "an image whose name is taken", play: func(n *night) {
		web := n.launch(ec2.ImageX86, "", enrolled("web", "nightly"))
		n.EC2.Inject(ec2.Fault{Action: "CreateImage", Nth: []int{1}, Drop: true})
		n.run(due)
		n.want("ending", n.result(web).Ending, job.Imaged)
	}},
	{name: "an image that EC2 is too busy for at first", play: func(n *night) {
		web := n.launch(ec2.ImageX86, "", enrolled("web", "nightly"))
		n.EC2.Inject(ec2.Fault{Action: "CreateImage", Times: 12, Code: "RequestLimitExceeded"})
		n.run(due) // Whether it is stopped still is looked at again then.
		n.want("ending", n.result(web).Ending, job.Imaged)
	}},
	{name: "a stop that fails", play: func(n *night) {
		web := n.launch(ec2.ImageX86, "", enrolled("web", "nightly"))
		n.EC2.Inject(ec2.Fault{Action: "StopInstances", Code: "InternalError", Status: 400, Until: due.Add(time.Hour)})
		n.run(due)
		n.want("ending", n.result(web).Ending, job.Broken)
	}},
	{name: "a start that fails for an hour", play: func(n *night) {
		web := n.launch(ec2.ImageX86, "", enrolled("web", "nightly"))
		// Once it is stopped: a dry run before would keep it from being stopped.
		n.before("image", func(string) {
			n.EC2.Inject(ec2.Fault{Action: "StartInstances", Code: "UnauthorizedOperation", Status: 403,
				Until: due.Add(time.Hour)})
		})
		n.run(due)
		n.want("ending", n.result(web).Ending, job.LeftStopped)
		time.Sleep(2 * time.Hour)
		n.want("state", n.EC2.State(web), ec2.Running)
	}},
	{name: "an image that is tested", play: func(n *night) { imageTested(n, job.Imaged) }},
	{name: "an image that is tested, no events", events: silent, play: func(n *night) { imageTested(n, job.Imaged) }},
	{name: "an image that cannot be tested", play: func(n *night) {
		n.EC2.Inject(ec2.Fault{Action: "RunInstances", Nth: []int{2, 3, 4, 5, 6, 7, 8, 9, 10},
			Code: "InsufficientInstanceCapacity"})
		imageTested(n, job.Broken)
	}},
	{name: "aborted while its image is tested", play: func(n *night) {
		web := n.launch(ec2.ImageX86, "", enrolled("web", "tested"))
		n.before("watch:booted", func(string) { n.ok(n.States.Stop(n.runOf("tested"), "", "")) })
		n.run(due.Add(time.Hour))
		time.Sleep(20 * time.Minute)
		n.want("test instances", n.tests(), 0)
		n.want("state", n.EC2.State(web), ec2.Running)
	}},
	{name: "a general image", play: generalized},
	{name: "a general image, no events", events: silent, play: generalized},
	{name: "cut off before its image is whole", play: cutOffBeforeItWasWhole},
	{name: "a group is refreshed", play: refreshedGroup},
	{name: "a group is refreshed, no events", events: silent, play: refreshedGroup},
	{name: "a group is refreshed, and its template is one of more than a job carries", play: func(n *night) {
		for i := range 250 {
			n.template(fmt.Sprintf("another-of-many-templates-%03d", i), ec2.ImageX86, map[string]string{tag.Source: "web"})
		}
		refreshedGroup(n)
	}},
	{name: "a refresh is rolled back", play: refreshedBack},
	{name: "a finished refresh is taken back", play: refreshedAndTakenBack},
	{name: "old images over three nights", play: retired},
	{name: "the table is lost, and images are adopted", play: adopted},
	{name: "an image that fails", play: lostImage},
	{name: "an image that fails, no events", events: silent, play: lostImage},
}

// waitedInVain: the one place of a plan is a source's that does not stop. The second source asks for its turn until
// the first is down beyond its patience, and gives it up then.
func waitedInVain(n *night) {
	stuck := n.launch(ec2.ImageX86, "", map[string]string{"Name": "stuck"})
	lab := n.launch(ec2.ImageX86, "", map[string]string{"Name": "lab"})
	n.EC2.Inject(ec2.Fault{Action: "StopInstances", Resource: stuck, Stuck: true})
	n.tag(stuck, map[string]string{tag.Request: "asked"})
	time.Sleep(time.Minute)
	n.tag(lab, map[string]string{tag.Request: "asked"})
	time.Sleep(time.Hour)
	n.ok(n.EC2.SetState(stuck, ec2.Stopped))
	n.run(time.Now().Add(2 * time.Hour))
	n.want("ending of lab", n.result(lab).Ending, job.Skipped)
	n.want("state of lab", n.EC2.State(lab), ec2.Running)
	n.want("state of stuck", n.EC2.State(stuck), ec2.Running)
}

// adopted: a night is forgotten, and its image registered again, first by the facts and then by its id.
func adopted(n *night) {
	web := n.launch(ec2.ImageX86, "", enrolled("web", "nightly"))
	n.run(due)
	id := n.result(web).Image.ID
	l := n.ledger
	for _, asked := range []string{`"all":true`, `"images":["` + id + `"]`} {
		registered, _, err := l.Registration(n.ctx, id)
		n.ok(err)
		n.ok(l.Retire(n.ctx, registered, time.Now()))
		l.forgetful = true
		must(n.Stack.Invoke(n.ctx, here.ARN("lambda", "function:goldsmith-recover"),
			[]byte(`{"goldsmith":"adopt","version":"1",`+asked+`,"by":"ada"}`)))(n.t)
		l.forgetful = false
		registered, _, err = l.Registration(n.ctx, id)
		n.ok(err)
		n.want("adopted by", registered.Adopted, "ada")
	}
}

// pages is the embedded account's bucket of them.
const pages = workflow.Name + "-pages-123456789012"

// follows opens the page that a message leads to. Whoever follows a presigned link acts as its signer, which is notify.
func (n *night) follows(m slack.Message) {
	n.t.Helper()
	for _, block := range m.Blocks {
		for _, text := range block.Elements {
			for _, span := range slices.Concat(text.Spans()...) {
				if span.Text != "Page" {
					continue
				}
				request := must(http.NewRequestWithContext(n.ctx, http.MethodGet, span.URL, http.NoBody))(n.t)
				request.Header.Set(query.CallerHeader, "notify/")
				answer := must(n.AWS().HTTPClient.Do(request))(n.t)
				n.want("the page", answer.StatusCode, http.StatusOK)
				n.ok(answer.Body.Close())
				return
			}
		}
	}
	n.t.Error("the message leads to no page")
}

func everything(n *night) {
	must(n.ssm().PutParameter(n.ctx, &ssm.PutParameterInput{
		Name: aws.String("/golden/web"), Value: aws.String(ec2.ImageX86), Type: ssmtypes.ParameterTypeString,
		DataType: aws.String("aws:ec2:image"),
	}))(n.t)
	web := n.launch(ec2.ImageX86, "", enrolled("web", "nightly"))
	rest := n.launch(ec2.ImageX86, "stopped, keeps its volume", enrolled("rest", "nightly"))
	batch := n.launch(ec2.ImageX86, "spot", enrolled("batch", "nightly"))
	legacy := n.launch(ec2.ImageInstanceStore, "", enrolled("legacy", "nightly"))
	n.launch(ec2.ImageX86, "", map[string]string{"Name": "bystander"})
	subscribed := n.template("subscribed", ec2.ImageX86, map[string]string{tag.Source: "web"})
	listed := n.template("listed", ec2.ImageX86, nil)
	n.template("by-alias", "resolve:ssm:/golden/web", map[string]string{tag.Source: "web"})
	n.searching(web)
	if known := plans(n.t).Plans["nightly"].Roll.Templates["web"][0]; listed != known {
		n.t.Fatalf("the template called listed has the id %s, %s says %s", listed, plansFile, known)
	}
	n.run(due)
	for _, id := range []string{web, rest, batch} {
		n.want("ending of "+id, n.result(id).Ending, job.Imaged)
	}
	n.want("ending", n.result(legacy).Ending, job.Skipped)
	rolled := map[string]string{}
	for _, r := range n.result(web).Rolled {
		rolled[r.Target] = r.Problem
	}
	for _, target := range []string{subscribed, listed, "/golden/web", "/goldsmith/images/web"} {
		problem, ok := rolled[target]
		n.want(target+" is rolled", ok && problem == "", true)
	}
	n.want("messages", len(n.Slack.Messages()), 1)
	n.follows(n.Slack.Messages()[0])
}

// searching is a template that asks for what an instance type must have, and has a volume of a snapshot of its own.
func (n *night) searching(source string) {
	volumes := must(n.cloud.DescribeVolumes(n.ctx, &sdk.DescribeVolumesInput{
		Filters: []types.Filter{{Name: aws.String("attachment.instance-id"), Values: []string{source}}},
	}))(n.t).Volumes
	made := must(n.cloud.CreateSnapshot(n.ctx, &sdk.CreateSnapshotInput{VolumeId: volumes[0].VolumeId}))(n.t)
	must(n.cloud.CreateLaunchTemplate(n.ctx, &sdk.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String("searching"),
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeLaunchTemplate, Tags: tag.List(map[string]string{tag.Source: "web"}),
		}},
		LaunchTemplateData: &types.RequestLaunchTemplateData{
			ImageId: aws.String(ec2.ImageX86),
			InstanceRequirements: &types.InstanceRequirementsRequest{
				VCpuCount: &types.VCpuCountRangeRequest{Min: aws.Int32(2)},
				MemoryMiB: &types.MemoryMiBRequest{Min: aws.Int32(4096)},
			},
			BlockDeviceMappings: []types.LaunchTemplateBlockDeviceMappingRequest{{
				DeviceName: aws.String("/dev/sdf"), Ebs: &types.LaunchTemplateEbsBlockDeviceRequest{SnapshotId: made.SnapshotId},
			}},
		},
	}))(n.t)
}

// editAfter makes an edit of a template's first version its default after a rollback, and gives the image that was
// rolled last.
func (n *night) editAfter(name string) (image string) {
	templates := must(n.cloud.DescribeLaunchTemplates(n.ctx,
		&sdk.DescribeLaunchTemplatesInput{LaunchTemplateNames: []string{name}}))(n.t).LaunchTemplates
	// The rollback has put a version on top, equal to the first, so that $Latest leads back as well.
	n.want("default version of "+name, aws.ToInt64(templates[0].DefaultVersionNumber), int64(3))
	made := must(n.cloud.CreateLaunchTemplateVersion(n.ctx, &sdk.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: templates[0].LaunchTemplateId, SourceVersion: aws.String("1"),
		LaunchTemplateData: &types.RequestLaunchTemplateData{KeyName: aws.String("ops")},
	}))(n.t).LaunchTemplateVersion
	must(n.cloud.ModifyLaunchTemplate(n.ctx, &sdk.ModifyLaunchTemplateInput{
		LaunchTemplateId: made.LaunchTemplateId, DefaultVersion: aws.String("4"),
	}))(n.t)
	for target, err := range n.ledger.Targets(n.ctx, "web") {
		if n.ok(err); target.ID == aws.ToString(made.LaunchTemplateId) {
			image = target.Points[0].Image
		}
	}
	return image
}

// rolledBack: a person rolls back what a night has rolled, edits a template, and rolls it on.
func rolledBack(n *night) {
	everything(n)
	time.Sleep(time.Minute) // Parameter Store has looked at the images by then, and shows them
	rollback := func(to string) {
		must(n.Stack.Invoke(n.ctx, here.ARN("lambda", "function:goldsmith-rollback"),
			[]byte(`{"goldsmith":"rollback","version":"1","name":"web","to":"`+to+`","by":"ada"}`)))(n.t)
		time.Sleep(time.Minute)
	}
	rollback("")
	alias := func(name, image string) {
		value, _ := n.Parameters.Value(name)
		n.want("alias "+name, value, image)
	}
	alias("/golden/web", ec2.ImageX86)
	var image string
	for _, name := range []string{"subscribed", "listed"} {
		image = n.editAfter(name)
	}
	rollback(image)
	alias("/golden/web", image)
	// One that only the templates had: the source's own alias goes back to it as well.
	rollback(ec2.ImageX86)
	alias("/goldsmith/images/web", ec2.ImageX86)
	// Lambda keeps what a person sends asynchronously and the function cannot do.
	n.guard.decide("rollback", n.guard.scene.Failing("goldsmith-dead-letters"))
}

func (n *night) ssm() *ssm.Client { return ssm.NewFromConfig(n.AWS()) }

// imageTested is a night in which an image is tested, and nothing stays of that.
func imageTested(n *night, ending job.Ending) {
	web := n.launch(ec2.ImageX86, "", enrolled("web", "tested"))
	n.run(due.Add(time.Hour))
	n.want("ending", n.result(web).Ending, ending)
	time.Sleep(5 * time.Minute)
	n.want("test instances", n.tests(), 0)
}

// generalized is a night in which a general image is made, and no clone stays.
func generalized(n *night) {
	web := n.launch(ec2.ImageX86, "", enrolled("web", "generalized"))
	n.run(due.Add(3 * time.Hour))
	n.want("ending", n.result(web).Ending, job.Imaged)
	n.want("a general image", n.result(web).Raw != nil, true)
	time.Sleep(5 * time.Minute)
	n.want("clones and test instances", n.tests(), 0)
}

// tests are how many test instances there are.
func (n *night) tests() (there int) {
	n.t.Helper()
	out := must(n.cloud.DescribeInstances(n.ctx, &sdk.DescribeInstancesInput{
		Filters: []types.Filter{{Name: aws.String("tag-key"), Values: []string{tag.BootTest}}},
	}))(n.t)
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			if i.State.Name != types.InstanceStateNameTerminated {
				there++
			}
		}
	}
	return there
}

func lostImage(n *night) {
	web := n.launch(ec2.ImageX86, "", enrolled("web", "nightly"))
	n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: web, ImageState: "failed", Message: "no luck"})
	n.run(due)
	n.want("ending", n.result(web).Ending, job.Broken)
}
