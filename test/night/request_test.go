package night_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/eventbridge"
	"goldsmith/local/stack"
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
			play(t, stack.Options{Plans: onRequest()}, func(n *night) {
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
				if n.before[lab].state == ec2.Running {
					want[tag.LastStop] = c.plan + " " + r.Name + " 2000-01-01T00:00:00Z"
				}
				n.want("tags of lab", n.tagsOf(lab), want)
				n.want("changes to another instance", len(n.changed(other)), 0)
				n.saysOf(r, "OK: "+c.plan, lab)
			})
		})
	}
}

func TestATagThatNamesNoPlan(t *testing.T) {
	play(t, stack.Options{Plans: onRequest()}, func(n *night) {
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

func TestATagThatIsTakenOffAgainInTime(t *testing.T) {
	slow := map[string]eventbridge.Faults{"aws.tag": {Delay: 5 * time.Second, Longest: 5 * time.Second}}
	play(t, stack.Options{Plans: onRequest(), Events: slow}, func(n *night) {
		lab := n.launch("lab", "unenrolled")
		n.begin()
		n.ask(lab, "now")
		time.Sleep(time.Second)
		must(n.cloud.DeleteTags(n.ctx, &sdk.DeleteTagsInput{Resources: []string{lab},
			Tags: tag.List(map[string]string{tag.Request: "now"})}))(n.t)
		n.finish()

		r := n.onlyRun()
		n.wasSkipped(r, lab, job.Withdrawn)
		n.saysOf(r, "goldsmith:image was taken off again")
	})
}

func TestATagOnAnInstanceThatIsGone(t *testing.T) {
	play(t, stack.Options{Plans: onRequest()}, func(n *night) {
		lab := n.launch("lab", "")
		n.begin()
		n.ask(lab, "now")
		must(n.cloud.TerminateInstances(n.ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{lab}}))(n.t)
		n.finish()
		n.wasSkipped(n.onlyRun(), lab, job.Terminating)
	})
}

// A second request while the first is at work waits for its end: one run more, whatever came meanwhile.
func TestASecondTagWhileTheFirstIsAtWork(t *testing.T) {
	play(t, stack.Options{Plans: onRequest()}, func(n *night) {
		lab := n.launch("lab", "")
		n.begin()
		n.ask(lab, "now")
		time.Sleep(5 * time.Second)
		n.ask(lab, "weekly")
		n.finish()
		n.want("runs while the first is at work", len(n.runs()), 1)
		time.Sleep(15 * time.Minute) // a sweep finds what is left to do
		n.finish()

		runs := n.runs()
		n.want("runs", len(runs), 2)
		n.want("endings", []job.Ending{n.results(runs[1])[lab].Ending, n.results(runs[0])[lab].Ending},
			[]job.Ending{job.Imaged, job.Imaged})
		n.want("images", len(n.imagesOf(lab)), 2)
		n.saysOf(runs[0], "OK: weekly")
		n.want("request tag", n.tagsOf(lab)[tag.Request], "")
	})
}

// 300 changes of one instance's tag are two runs and two messages: the one that was going on, and one after it.
func TestManyTagChangesOfOneInstance(t *testing.T) {
	play(t, stack.Options{Plans: onRequest()}, func(n *night) {
		lab := n.launch("lab", "")
		n.begin()
		for i := range 300 {
			n.ask(lab, []string{"nightly", "weekly"}[i%2])
			time.Sleep(100 * time.Millisecond)
		}
		n.finish()
		time.Sleep(time.Hour)
		n.finish()

		runs := n.runs()
		n.want("runs", len(runs), 2)
		n.want("messages", len(n.messages()), 2)
		n.want("stops", len(n.callsOf("StopInstances", lab)), 2)
		n.want("request tag", n.tagsOf(lab)[tag.Request], "")
	})
}

// A request is bound by its plan: what the plan excludes stays as it is.
func TestATagOnAnInstanceThatThePlanExcludes(t *testing.T) {
	plans := with(onRequest(), "careful", func(p *plan.Plan) {
		p.Sources.Exclude = map[string][]string{"hold": nil}
		p.Schedule = ""
	})
	for _, late := range []bool{false, true} {
		t.Run(fmt.Sprintf("event lost %v", late), func(t *testing.T) {
			options := stack.Options{Plans: plans}
			if late {
				options.Events = map[string]eventbridge.Faults{"aws.tag": {Loss: 1}}
			}
			play(t, options, func(n *night) {
				lab := n.launch("lab", "hold=yes")
				n.begin()
				n.ask(lab, "careful")
				n.finish()
				time.Sleep(time.Hour)

				r := n.onlyRun()
				n.wasSkipped(r, lab, job.Excluded)
				n.saysOf(r, "plan careful leaves it out: its tag hold is one that sources.exclude names")
				n.want("stops", len(n.callsOf("StopInstances", lab)), 0)
				n.want("request tag", n.tagsOf(lab)[tag.Request], "")
			})
		})
	}
}

// A policy may deny DeleteTags: the request is answered once, people are told why the tag is still there, and
// whoever takes it off and puts it on again has asked again.
func TestATagThatCannotBeTakenOff(t *testing.T) {
	play(t, stack.Options{Plans: onRequest()}, func(n *night) {
		lab := n.launch("lab", "")
		n.begin()
		n.EC2.Inject(ec2.Fault{Action: "DeleteTags", Resource: lab, Code: "UnauthorizedOperation",
			Until: time.Now().Add(47 * time.Hour)})
		n.ask(lab, "now")
		n.finish()
		time.Sleep(48 * time.Hour)

		r := n.onlyRun()
		n.wasImaged(r, lab)
		n.saysOf(r, "tag goldsmith:image cannot be taken off (UnauthorizedOperation)")
		n.want("images", len(n.imagesOf(lab)), 1)
		n.want("stops", len(n.callsOf("StopInstances", lab)), 1)

		must(n.cloud.DeleteTags(n.ctx, &sdk.DeleteTagsInput{Resources: []string{lab},
			Tags: tag.List(map[string]string{tag.Request: "now"})}))(n.t)
		time.Sleep(time.Minute)
		n.ask(lab, "now")
		n.finish()
		n.want("runs once it is asked for again", len(n.runs()), 2)
		n.want("images", len(n.imagesOf(lab)), 2)
		n.want("request tag", n.tagsOf(lab)[tag.Request], "")
	})
}
