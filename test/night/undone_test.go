package night_test

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/asg"
	"goldsmith/shared/job"
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
	for _, l := range n.byVersion() {
		image := aws.ToString(l.data.LaunchTemplateData.ImageId)
		if undone[l.template+image] && !strings.Contains(n.said()+n.answered, l.who+" ") {
			n.t.Errorf("%s launches version %s of %s, which was rolled back, and is not named", l.who, l.version,
				aws.ToString(l.data.LaunchTemplateName))
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
			n.t.Errorf("version %d of template %s launches %s, whose job failed: %s", aws.ToInt64(v.VersionNumber), name, id, told)
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
