package night_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	direct "github.com/aws/aws-sdk-go-v2/service/ebs"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/stack"
	"goldsmith/shared/attribute"
	"goldsmith/shared/tag"
)

// What an image that Goldsmith made of a snapshot was registered as is known of the next one of the same volume, whose
// instance is gone, and of copies of it.
func TestWhatWasMadeOfASourceIsKnownOfIt(t *testing.T) {
	settings := map[string]string{tag.ImageSettings: "rootDeviceName=/dev/sda1 enaSupport=true imdsSupport=v2.0", "Name": "web"}
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
