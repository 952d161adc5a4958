package night_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/asl"
	"goldsmith/local/bus"
	"goldsmith/local/suite"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// onRequest are plans without a schedule: whatever happens was asked for.
func onRequest() plan.Plans {
	quiet := func(p *plan.Plan) { p.Schedule = "" }
	return with(nightly(quiet), "weekly", quiet)
}

func TestATagAsksForAnImage(t *testing.T) {
	for _, c := range []struct{ what, words, value, plan string }{
		{"now is the default plan", "", "now", "nightly"},
		{"a plan by its name", "", "weekly", "weekly"},
		{"no value is the default plan", "", "", "nightly"},
		{"an instance that no plan enrols", "unenrolled", "now", "nightly"},
		{"an instance of another plan", "plan=weekly", "nightly", "nightly"},
		{"a stopped instance", "stopped", "now", "nightly"},
		{"a source whose name needs escaping", "goldsmith:name=a&b<c>*?", "now", "nightly"},
	} {
		t.Run(c.what, func(t *testing.T) {
			play(t, suite.Options{Plans: onRequest()}, func(n *night) {
				lab, other := n.launch("lab", c.words), n.launch("other", "")
				n.begin()
				n.ask(lab, c.value)
				n.finish()
				time.Sleep(time.Hour) // long enough for a loop to show

				r := n.onlyRun()
				n.want("status", r.Status, asl.Succeeded)
				n.wasImaged(r, lab)
				img := n.imagesOf(lab)[0]
				n.want("plan of the image", tag.Map(img.Tags)[tag.Plan], c.plan)
				want := n.before[lab].tags
				want[tag.LastImage] = aws.ToString(img.ImageId)
				n.want("tags of lab", n.tagsOf(lab), want)
				n.want("changes to another instance", len(n.changed(other)), 0)
				n.saysOf(r, "OK: "+c.plan, lab)
			})
		})
	}
}

func TestATagThatNamesNoPlan(t *testing.T) {
	play(t, suite.Options{Plans: onRequest()}, func(n *night) {
		lab := n.launch("lab", "")
		n.begin()
		n.ask(lab, "weakly")
		n.finish()

		r := n.onlyRun()
		n.want("status", r.Status, asl.Failed)
		n.want("changes", len(n.changed(lab)), 0)
		n.saysOf(r, "FAILED", lab, `there is no plan "weakly"; there are: nightly, weekly`, "Nothing was touched")
	})
}

func TestATagOnASnapshot(t *testing.T) {
	play(t, suite.Options{Plans: onRequest()}, func(n *night) {
		lab := n.launch("lab", "")
		volume := n.instances()[0].BlockDeviceMappings[0].Ebs.VolumeId
		made := must(n.cloud.CreateSnapshot(n.ctx, &sdk.CreateSnapshotInput{
			VolumeId: volume, TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeSnapshot, Tags: tag.List(map[string]string{
				tag.Managed: "true", tag.Source: lab, tag.Name: "lab", tag.Plan: "nightly", tag.Run: "by hand",
			})}},
		}))(n.t)
		snapshot := aws.ToString(made.SnapshotId)
		time.Sleep(time.Second) // it was there before the night
		n.begin()
		n.ask(snapshot, "now")
		n.finish()

		r := n.onlyRun()
		n.wasSkipped(r, snapshot, job.SnapshotSource)
		n.want("images", len(n.images()), 0)
		n.want("request tag", n.tagsOf(snapshot)[tag.Request], "")
		n.saysOf(r, snapshot, "this version images instances only")
	})
}

func TestATagThatIsTakenOffAgainInTime(t *testing.T) {
	slow := map[string]bus.Faults{"aws.tag": {Delay: 5 * time.Second, Longest: 5 * time.Second}}
	play(t, suite.Options{Plans: onRequest(), Events: slow}, func(n *night) {
		lab := n.launch("lab", "unenrolled")
		n.begin()
		n.ask(lab, "now")
		time.Sleep(time.Second)
		must(n.cloud.DeleteTags(n.ctx, &sdk.DeleteTagsInput{Resources: []string{lab}, Tags: tag.List(map[string]string{tag.Request: "now"})}))(n.t)
		n.finish()

		r := n.onlyRun()
		n.wasSkipped(r, lab, job.NotEnrolled)
		n.saysOf(r, "goldsmith:image was taken off again")
	})
}

func TestATagOnAnInstanceThatIsGone(t *testing.T) {
	play(t, suite.Options{Plans: onRequest()}, func(n *night) {
		lab := n.launch("lab", "")
		n.begin()
		n.ask(lab, "now")
		must(n.cloud.TerminateInstances(n.ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{lab}}))(n.t)
		n.finish()
		n.wasSkipped(n.onlyRun(), lab, job.Terminating)
	})
}

// A second request while the first is at work is another run; it finds the
// source claimed, says so, and leaves its work to the first.
func TestASecondTagWhileTheFirstIsAtWork(t *testing.T) {
	play(t, suite.Options{Plans: onRequest()}, func(n *night) {
		lab := n.launch("lab", "")
		n.begin()
		n.ask(lab, "now")
		time.Sleep(5 * time.Second)
		n.ask(lab, "weekly")
		n.finish()

		runs := n.runs()
		n.want("runs", len(runs), 2)
		first, second := runs[1], runs[0]
		n.want("images", len(n.imagesOf(lab)), 1)
		n.want("ending of the second", n.results(second)[lab].Skip.Code, job.Claimed)
		n.saysOf(second, string(job.Claimed), first.Name)
		n.want("stops", len(n.callsOf("StopInstances", lab)), 1)
		n.want("request tag", n.tagsOf(lab)[tag.Request], "")
	})
}
