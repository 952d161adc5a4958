package night_test

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/group"
	"goldsmith/shared/ledger"
)

// nothingUndoneLaunches: what was rolled back is launched by no template that is held, and by no group of which
// people do not know.
func (n *night) nothingUndoneLaunches() {
	n.t.Helper()
	undone := n.undoneImages()
	if len(undone) == 0 {
		return
	}
	for _, v := range n.heads() {
		if image := aws.ToString(v.LaunchTemplateData.ImageId); undone[aws.ToString(v.LaunchTemplateId)+image] {
			n.t.Errorf("version %d of %s launches %s, which was rolled back", aws.ToInt64(v.VersionNumber),
				aws.ToString(v.LaunchTemplateName), image)
		}
	}
	for _, g := range must(n.scaling().DescribeAutoScalingGroups(n.ctx,
		&autoscaling.DescribeAutoScalingGroupsInput{}))(n.t).AutoScalingGroups {
		name := aws.ToString(g.AutoScalingGroupName)
		for _, s := range group.Specs(g) {
			out := must(n.cloud.DescribeLaunchTemplateVersions(n.ctx, &sdk.DescribeLaunchTemplateVersionsInput{
				LaunchTemplateId: aws.String(s.Template), Versions: []string{s.Version},
			}))(n.t)
			for _, v := range out.LaunchTemplateVersions {
				if undone[s.Template+aws.ToString(v.LaunchTemplateData.ImageId)] && !strings.Contains(n.said(), "group "+name+" ") {
					n.t.Errorf("group %s launches version %s of %s, which was rolled back, and is not named", name, s.Version, s.Name)
				}
			}
		}
	}
}

// undoneImages are a held target's id and each image that was rolled after what it was rolled back to.
func (n *night) undoneImages() map[string]bool {
	n.t.Helper()
	undone := map[string]bool{}
	for held, err := range n.Ledger.Held(n.ctx) {
		n.ok(err)
		for t, err := range n.Ledger.Targets(n.ctx, held.Source) {
			n.ok(err)
			if t.ID == held.ID && t.Back != nil {
				addUndone(undone, t)
			}
		}
	}
	return undone
}

func addUndone(undone map[string]bool, t ledger.TargetRecord) {
	for _, p := range t.Points {
		if p.Image == t.Back.Image {
			return
		}
		if p.Run != "" {
			undone[t.ID+p.Image] = true
		}
	}
}
