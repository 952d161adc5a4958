package night_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	direct "github.com/aws/aws-sdk-go-v2/service/ebs"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/attribute"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// What an image that Goldsmith made of a snapshot was registered as is known of the next one of the same volume, whose
// instance is gone, and of copies of it.
func TestWhatWasMadeOfASourceIsKnownOfIt(t *testing.T) {
	settings := map[string]string{tag.ImageSettings: "rootDeviceName=/dev/sda1 enaSupport=true imdsSupport=v2.0",
		"Name": "web"}
	for _, copied := range []bool{false, true} {
		play(t, stack.Options{Plans: onRequest()}, func(n *night) {
			web := n.launch("web", "")
			first, second := n.snapshotOf(web, "", settings), n.snapshotOf(web, "", map[string]string{"Name": "web"})
			if copied {
				first, second = n.copied(first), n.copied(second)
				n.ok(n.EC2.SetTags(first, settings))
				n.ok(n.EC2.SetTags(second, map[string]string{tag.ImageSettings: ""}))
			}
			must(n.cloud.TerminateInstances(n.ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{web}}))(n.t)
			n.begin()
			n.ask(first, "now")
			n.finish()
			n.wasRegistered(n.onlyRun(), first)
			time.Sleep(time.Hour) // Until it has proved good.
			n.ask(second, "now")
			r := n.finish()[0]
			i := n.wasRegistered(r, second)
			n.want("root device", aws.ToString(i.RootDeviceName), "/dev/sda1")
			n.want("IMDS", i.ImdsSupport, types.ImdsSupportValuesV20)
			planned := must(attribute.Looker{EC2: n.cloud, EBS: direct.NewFromConfig(n.AWS()), Made: n.Ledger}.
				Look(n.ctx, second, nil))(n.t)
			if text := n.messagesOf(r)[0]; strings.Contains(text, "another source") {
				n.t.Errorf("its own last image is told as another source's:\n%s", text)
			}
			said := attribute.Decide(planned).Attributes[0].Source
			n.want("who says so", strings.HasSuffix(said, "which Goldsmith made of the same source"), true)
		})
	}
}

// The image of a snapshot is tested like any other, on the type of its instance or the plan's, and one that does not
// boot is rolled to nothing.
func TestAnImageOfASnapshotIsTested(t *testing.T) {
	plans := with(onRequest(), "nightly", func(p *plan.Plan) {
		p.Verify = tested().Plans["nightly"].Verify
		p.Verify.InstanceType = "t3.micro"
	})
	for _, boots := range []bool{true, false} {
		play(t, stack.Options{Plans: plans}, func(n *night) {
			snapshot := n.lost("web", map[string]string{"Name": "web"})
			template := n.template("web", "web", "t3.micro", ec2.ImageX86)
			if !boots {
				n.EC2.Inject(ec2.Fault{Action: "RunInstances", Impaired: true})
			}
			n.begin()
			n.ask(snapshot, "now")
			r := n.finish()[0]
			result := n.results(r)[snapshot]
			if !boots {
				n.want("ending", result.Ending, job.Broken)
				n.want("state", result.Image.State, job.Unproven)
				n.want("launched", n.defaultImage(template), ec2.ImageX86)
				n.saysOf(r, "is kept, unproven, and nothing was rolled to it")
				return
			}
			i := n.wasRegistered(r, snapshot)
			n.want("tests", len(n.tests()), 1)
			n.want("launched", n.defaultImage(template), aws.ToString(i.ImageId))
			n.saysOf(r, "tested: booted in ")
		})
	}
}
