package night_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

func TestAFleetOfEveryKind(t *testing.T) {
	plans := nightly(func(p *plan.Plan) { p.Concurrency = 20; p.Image.Tags = map[string]string{"Purpose": "golden"} })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		imaged, skipped := everyKind(n)
		web := n.template("web", "web-1", "t3.micro", ec2.ImageX86)
		n.template("web-graviton", "web-1", "m6g.large", ec2.ImageARM)
		n.template("alias", "arm-1", "t4g.small", "resolve:ssm:/goldsmith/images/arm-1")
		n.alias("/goldsmith/images/arm-1", ec2.ImageARM)

		n.run()

		r := n.onlyRun()
		n.want("status", r.Status, asl.Succeeded)
		n.want("sources", len(n.results(r)), len(imaged)+len(skipped))
		n.want("images", len(n.images()), len(imaged))
		for id := range imaged {
			n.wasImaged(r, id)
			n.tagsAreRight(r.Name, id)
			most := 3 * time.Second
			if strings.HasPrefix(imaged[id], "batch-") {
				most += ec2.DefaultTiming().SpotDisabled.Max + spotLooks
			}
			if added := n.addedDowntime(r, id); n.before[id].state == ec2.Running && added > most {
				n.t.Errorf("%s (%s) was down %s longer than EC2 needs", id, imaged[id], added)
			}
		}
		for id, reason := range skipped {
			n.wasSkipped(r, id, reason)
			n.want("tags of "+id, n.tagsOf(id), n.before[id].tags)
		}
		made := n.results(r)[n.ids("web-1")[0]].Image.ID
		for _, v := range n.defaults() {
			want := map[string]string{"web": made, "web-graviton": ec2.ImageARM, "alias": "resolve:ssm:/goldsmith/images/arm-1"}
			n.want("image of template "+aws.ToString(v.LaunchTemplateName), aws.ToString(v.LaunchTemplateData.ImageId),
				want[aws.ToString(v.LaunchTemplateName)])
			if aws.ToString(v.LaunchTemplateId) == web {
				n.want("default version of web", *v.VersionNumber, 2)
			}
		}
		for _, name := range []string{"web-1", "arm-1"} {
			value, _ := n.Parameters.Value("/goldsmith/images/" + name)
			n.want("alias of "+name, value, n.results(r)[n.ids(name)[0]].Image.ID)
		}
		n.saysOf(r, "PARTIAL: nightly", "Not rolled", "web-graviton", "does not run x86_64 images")
	})
}

// everyKind launches fifty servers and tells which are to be imaged (by name) and
// which are to be left alone, and why.
func everyKind(n *night) (imaged map[string]string, skipped map[string]job.ReasonCode) {
	imaged, skipped = map[string]string{}, map[string]job.ReasonCode{}
	for _, kind := range []struct {
		name, words string
		count       int
		skip        job.ReasonCode
	}{
		{"web", "Team=web aws:cloudformation:stack-name=web", 12, ""},
		{"db", "m5.xlarge gp3 gp3 st1", 4, ""},
		{"arm", "arm64", 4, ""},
		{"cache", "m5d.large", 3, job.InstanceStoreData},
		{"rest", "stopped", 5, ""},
		{"batch", "m5.large spot", 4, ""},
		{"resting-spot", "m5.large spot stopped", 1, ""},
		{"quiet", "private goldsmith:last-image=ami-0123456789abcdef0", 3, ""},
		{"burst", "m5.large one-time", 3, job.OneTimeSpot},
		{"legacy", "instance-store", 3, job.InstanceStoreRoot},
		{"safe", "protected", 3, job.StopProtected},
		{"sleepy", "m5.large hibernating", 2, job.Hibernation},
		{"grouped", "group=web", 3, job.AutoScalingMember},
	} {
		for i := range kind.count {
			name := fmt.Sprintf("%s-%d", kind.name, i+1)
			id := n.launch(name, kind.words)
			if kind.skip == "" {
				imaged[id] = name
			} else {
				skipped[id] = kind.skip
			}
		}
	}
	n.launch("bystander", "unenrolled")
	n.want("sources of the fleet", len(imaged)+len(skipped), 50)
	return imaged, skipped
}

// tagsAreRight: image and snapshots carry Goldsmith's tags, the plan's and the
// source's own, and nothing else.
func (n *night) tagsAreRight(run, id string) {
	n.t.Helper()
	was := n.before[id].tags
	want := map[string]string{
		tag.Managed: "true", tag.Source: id, tag.Name: was["Name"], tag.Plan: "nightly", tag.Run: run, "Purpose": "golden",
		"Name": was["Name"],
	}
	if was["Team"] != "" {
		want["Team"] = was["Team"]
	}
	img := n.imagesOf(id)[0]
	if got := tag.Map(img.Tags); !maps.Equal(got, want) {
		n.t.Errorf("tags of the image of %s: %v, want %v", id, got, want)
	}
	for _, m := range img.BlockDeviceMappings {
		if m.Ebs == nil {
			continue
		}
		if got := n.tagsOf(aws.ToString(m.Ebs.SnapshotId)); !maps.Equal(got, want) {
			n.t.Errorf("tags of snapshot %s of %s: %v, want %v", aws.ToString(m.Ebs.SnapshotId), id, got, want)
		}
	}
}
