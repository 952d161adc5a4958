package night_test

import (
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/asg"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// nothingUndoneLaunches: what was rolled back is launched by no template that is held, and by no launcher, through
// whatever template or parameter, of which people do not know.
func (n *night) nothingUndoneLaunches() {
	n.t.Helper()
	undone := n.undoneImages()
	if len(undone) == 0 {
		return
	}
	for _, v := range n.heads() {
		if image := aws.ToString(v.LaunchTemplateData.ImageId); undone[aws.ToString(v.LaunchTemplateId)][image] {
			n.t.Errorf("version %d of %s launches %s, which was rolled back", aws.ToInt64(v.VersionNumber),
				aws.ToString(v.LaunchTemplateName), image)
		}
	}
	every := map[string]bool{}
	for _, images := range undone {
		maps.Copy(every, images)
	}
	for _, l := range n.byVersion() {
		images, held := undone[l.template]
		if !held {
			images = every
		}
		if image := n.resolved(aws.ToString(l.data.LaunchTemplateData.ImageId)); images[image] && !n.knownOf(l.who) {
			n.t.Errorf("%s launches %s by version %s of %s, which was rolled back, and is not named", l.who, image, l.version,
				aws.ToString(l.data.LaunchTemplateName))
		}
	}
}

// knownOf reports whether people were told of a launcher.
func (n *night) knownOf(who string) bool { return strings.Contains(n.said()+n.answered, who+" ") }

// resolved is an image, or the one that the parameter holds that stands for it.
func (n *night) resolved(image string) string {
	if name, is := strings.CutPrefix(image, "resolve:ssm:"); is {
		image, _ = n.Parameters.Value(name)
	}
	return image
}

// undoneImages are, by a held target's id, the images that were rolled after what it was rolled back to.
func (n *night) undoneImages() map[string]map[string]bool {
	n.t.Helper()
	undone := map[string]map[string]bool{}
	for held, err := range n.Ledger.Held(n.ctx) {
		n.ok(err)
		for t, err := range n.Ledger.Targets(n.ctx, held.Source) {
			n.ok(err)
			if t.ID == held.ID && t.Back != nil {
				undone[t.ID] = afterBack(t)
			}
		}
	}
	return undone
}

// afterBack are the images that were rolled into a target after the one that it was rolled back to.
func afterBack(t ledger.TargetRecord) map[string]bool {
	images := map[string]bool{}
	for _, p := range t.Points {
		if p.Image == t.Back.Image {
			break
		}
		if p.Run != "" {
			images[p.Image] = true
		}
	}
	return images
}

// templatesLaunch: what a template's default and latest version and the versions that groups name have can be launched,
// was not undone, unless people were told of the group, and is not of a job that failed.
func (n *night) templatesLaunch() {
	n.t.Helper()
	n.nothingUndoneLaunches()
	failed := n.failedImages()
	all := n.heads()
	for _, l := range n.byVersion() {
		all = append(all, l.data)
	}
	for _, v := range all {
		id, name := aws.ToString(v.LaunchTemplateData.ImageId), aws.ToString(v.LaunchTemplateName)
		if alias, ok := strings.CutPrefix(id, "resolve:ssm:"); ok {
			if id, ok = n.Parameters.Value(alias); !ok {
				n.t.Errorf("template %s launches from %s, which does not exist", name, alias)
			}
		}
		if id != "" && id != n.second && !n.EC2.Launchable(id) {
			n.t.Errorf("version %d of template %s launches %s, which is not available", aws.ToInt64(v.VersionNumber), name, id)
		}
		told, is := failed[id]
		if _, rolled, _ := strings.Cut(told, "rolled all the same: "); is && !strings.Contains(rolled, name) {
			n.t.Errorf("version %d of template %s launches %s, whose job failed: %s",
				aws.ToInt64(v.VersionNumber), name, id, told)
		}
	}
}

// failedImages are the images of jobs that failed, and what is told of those.
func (n *night) failedImages() map[string]string {
	n.t.Helper()
	failed := map[string]string{}
	for _, r := range n.runs() {
		for _, result := range n.results(r) {
			if result.Image.ID != "" && (result.Ending == job.Broken || result.Ending == job.LeftStopped) {
				failed[result.Image.ID] = result.Problem
			}
		}
	}
	return failed
}

// byName is a version of a template, as a group or a fleet names it.
type byName struct {
	who, template, version string
	data                   types.LaunchTemplateVersion
}

// byVersion are the versions of templates that Auto Scaling groups and fleets name.
func (n *night) byVersion() (all []byName) {
	n.t.Helper()
	for _, g := range must(n.scaling().DescribeAutoScalingGroups(n.ctx,
		&autoscaling.DescribeAutoScalingGroupsInput{}))(n.t).AutoScalingGroups {
		for _, s := range asg.Specs(g) {
			all = append(all, byName{who: "group " + aws.ToString(g.AutoScalingGroupName), template: s.Template,
				version: s.Version})
		}
	}
	for _, f := range must(n.cloud.DescribeFleets(n.ctx, &sdk.DescribeFleetsInput{}))(n.t).Fleets {
		for _, c := range f.LaunchTemplateConfigs {
			of := c.LaunchTemplateSpecification
			if of.LaunchTemplateId != nil {
				all = append(all, byName{who: "fleet " + aws.ToString(f.FleetId), template: *of.LaunchTemplateId,
					version: aws.ToString(of.Version)})
			}
		}
	}
	var there []byName
	for _, l := range all {
		if n.readVersion(&l) {
			there = append(there, l)
		}
	}
	return there
}

// readVersion reads the version of a launcher, if there is one.
func (n *night) readVersion(l *byName) bool {
	n.t.Helper()
	out, err := n.cloud.DescribeLaunchTemplateVersions(n.ctx, &sdk.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateId: aws.String(l.template), Versions: []string{l.version},
	})
	if err != nil || len(out.LaunchTemplateVersions) == 0 {
		return false
	}
	l.data = out.LaunchTemplateVersions[0]
	return true
}
