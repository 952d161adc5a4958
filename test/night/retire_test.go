package night_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// keeping is a plan that keeps the newest image, and removes others an hour after they were deprecated.
func keeping(p *plan.Plan) {
	p.Keep = plan.Keep{Last: 1, Minimum: 1, Grace: plan.Duration(time.Hour)}
}

// old is an image of a source that an earlier night made well.
func (n *night) old(name, id string, nights int) string {
	n.t.Helper()
	image, r := n.unregistered(name, id, nights)
	must(n.Ledger.Register(n.ctx, r))(n.t)
	return image
}

// unregistered is such an image that nothing is registered of yet, and what would be.
func (n *night) unregistered(name, id string, nights int) (string, ledger.Registration) {
	n.t.Helper()
	made := time.Now().AddDate(0, 0, -nights)
	run := "nightly-" + made.Format("20060102") + "T003000Z"
	image := n.EC2.SeedImage(fmt.Sprintf("goldsmith/%s/%s/%s", name, id, run), made, map[string]string{
		tag.Managed: "true", tag.Plan: "nightly", tag.Name: name, tag.Source: id, tag.Run: run,
	})
	n.ok(n.Ledger.PutResult(n.ctx, job.Result{
		Run: run, Source: id, Name: name, Plan: "nightly", Ending: job.Imaged, At: made,
		Image: job.Image{ID: image, State: "available"},
	}))
	return image, ledger.Registration{
		Kind: ledger.MadeImage, Call: ledger.CreateImage, Lineage: id, Source: id, Name: name, Plan: "nightly", Run: run,
		AMIName: fmt.Sprintf("goldsmith/%s/%s/%s", name, id, run), ID: image, Begun: made,
	}
}

// until plays until the plan has run on that many more days, and every run has ended.
func (n *night) until(days int) {
	n.t.Helper()
	n.begin()
	time.Sleep(time.Until(due.AddDate(0, 0, days)))
	n.finish()
}

// is says how an image is: "available", "deprecated", "disabled" or "gone".
func (n *night) is(id string) string {
	n.t.Helper()
	found := must(n.cloud.DescribeImages(n.ctx,
		&sdk.DescribeImagesInput{ImageIds: []string{id}, IncludeDisabled: aws.Bool(true)}))(n.t).Images
	switch {
	case len(found) == 0:
		return "gone"
	case found[0].State == types.ImageStateAvailable && found[0].DeprecationTime != nil:
		return "deprecated"
	}
	return string(found[0].State)
}

// version adds a version to a template and makes it the default.
func (n *night) version(template, image string) {
	n.t.Helper()
	made := must(n.cloud.CreateLaunchTemplateVersion(n.ctx, &sdk.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: aws.String(template), SourceVersion: aws.String("1"),
		LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(image)},
	}))(n.t)
	must(n.cloud.ModifyLaunchTemplate(n.ctx, &sdk.ModifyLaunchTemplateInput{
		LaunchTemplateId: aws.String(template),
		DefaultVersion:   aws.String(fmt.Sprint(aws.ToInt64(made.LaunchTemplateVersion.VersionNumber))),
	}))(n.t)
}

// versions are the images that a template's versions name, by number.
func (n *night) versions(template string) map[int64]string {
	n.t.Helper()
	images := map[int64]string{}
	for _, v := range must(n.cloud.DescribeLaunchTemplateVersions(n.ctx,
		&sdk.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: aws.String(template)}))(n.t).LaunchTemplateVersions {
		images[aws.ToInt64(v.VersionNumber)] = aws.ToString(v.LaunchTemplateData.ImageId)
	}
	return images
}

// made records versions of a template as made by rolls of web.
func (n *night) made(template string, versions ...int64) {
	n.t.Helper()
	must(n.Ledger.PutTarget(n.ctx, ledger.TargetRecord{Source: "web", ID: template, Title: "web", Made: versions}))(n.t)
}

// Three nights in a row: images are rolled out, and what they replace goes, with its snapshots and the
// template versions that named it.
func TestThreeNights(t *testing.T) {
	play(t, stack.Options{Plans: nightly(keeping)}, func(n *night) {
		web := n.launch("web", "")
		first, second := n.old("web", web, 2), n.old("web", web, 1)
		template := n.template("web", "web", "t3.micro", first)
		n.version(template, second)
		n.made(template, 2, 1)
		n.until(0)
		n.want("after the first night", []string{n.is(first), n.is(second)}, []string{"deprecated", "deprecated"})
		n.saysOf(n.runs()[0], "OK: nightly", "2 deprecated", "no rule keeps it", "2000-01-01 01:3")
		n.want("versions", len(n.versions(template)), 3)
		n.until(1)
		n.want("after the second night", []string{n.is(first), n.is(second)}, []string{"gone", "gone"})
		n.saysOf(n.runs()[0], "OK: nightly", "2 retired", first, "template versions pruned: 1")
		for number, image := range n.versions(template) {
			n.want(fmt.Sprintf("image of version %d", number), image == first || image == second, false)
		}
		n.until(2)
		r := n.runs()[0]
		n.want("status", r.Status, asl.Succeeded)
		n.want("ending", n.results(r)[web].Ending, job.Imaged)
		n.want("default", aws.ToString(n.defaults()[0].LaunchTemplateData.ImageId), n.results(r)[web].Image.ID)
		n.want("snapshots", len(n.snapshots()), len(n.images()))
	})
}

// What is in use stays, and people are told why.
func TestImagesInUseAreKept(t *testing.T) {
	play(t, stack.Options{Plans: nightly(keeping)}, func(n *night) {
		web := n.launch("web", "")
		pinned, shared, named := n.old("web", web, 5), n.old("web", web, 4), n.old("web", web, 3)
		template := n.template("fleet", "other", "t3.micro", pinned)
		n.version(template, ec2.ImageX86)
		groups := autoscaling.NewFromConfig(n.AWS())
		must(groups.CreateAutoScalingGroup(n.ctx, &autoscaling.CreateAutoScalingGroupInput{
			AutoScalingGroupName: aws.String("workers"), MinSize: aws.Int32(0), MaxSize: aws.Int32(0),
			AvailabilityZones: []string{"eu-central-1a"},
			LaunchTemplate: &scaling.LaunchTemplateSpecification{LaunchTemplateId: aws.String(template),
				Version: aws.String("1")},
		}))(n.t)
		must(n.cloud.ModifyImageAttribute(n.ctx,
			&sdk.ModifyImageAttributeInput{ImageId: aws.String(shared), LaunchPermission: &types.LaunchPermissionModifications{
				Add: []types.LaunchPermission{{UserId: aws.String("210987654321")}},
			}}))(n.t)
		n.alias("/golden/web", named)
		n.until(0)
		for _, id := range []string{pinned, shared, named} {
			n.want(id, n.is(id), "available")
		}
		n.saysOf(n.onlyRun(), "OK: nightly", "3 kept in use", "Kept though due", pinned,
			"Auto Scaling group workers pins version 1 of launch template fleet",
			"shared with account 210987654321", "parameter /golden/web")
		n.want("deregistered", len(n.callsOf("DeregisterImage")), 0)
	})
}

// A describe that is refused keeps everything, and the run is told of as not quite done.
func TestNothingIsRetiredBlindly(t *testing.T) {
	play(t, stack.Options{Plans: nightly(keeping)}, func(n *night) {
		web := n.launch("web", "")
		due := n.old("web", web, 3)
		n.EC2.Inject(ec2.Fault{Action: "DescribeImageReferences", Code: denied, Status: 403})
		n.until(0)
		n.want("image", n.is(due), "available")
		n.want("ending", n.results(n.onlyRun())[web].Ending, job.Imaged)
		n.want("status", n.onlyRun().Status, asl.Succeeded)
		n.saysOf(n.onlyRun(), "PARTIAL: nightly", "1 not retired",
			"nothing was retired, since it could not be found out what is in use", denied)
	})
}

// The images of an instance that was terminated long ago go down to the minimum, by their own tags.
func TestASourceThatIsGone(t *testing.T) {
	plans := nightly(func(p *plan.Plan) { keeping(p); p.Keep.Minimum = 2 })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		n.launch("web", "")
		var ids []string
		for nights := range 5 {
			ids = append(ids, n.old("db", "i-0123456789abcdef0", 40+nights))
		}
		n.until(0)
		n.until(1)
		var how []string
		for _, id := range ids {
			how = append(how, n.is(id))
		}
		n.want("images", how, []string{"available", "available", "gone", "gone", "gone"})
		n.saysOf(n.runs()[0], "OK: nightly", "3 retired")
	})
}

// A snapshot that may not be deleted with its image is told of, and swept by the next run.
func TestASnapshotThatStays(t *testing.T) {
	play(t, stack.Options{Plans: nightly(keeping)}, func(n *night) {
		web := n.launch("web", "stopped")
		n.old("web", web, 3)
		n.EC2.Inject(ec2.Fault{Action: "DeregisterImage", Nth: []int{1}, SnapshotReturn: "missing-permissions"})
		n.until(0)
		n.until(1)
		n.saysOf(n.runs()[0], "PARTIAL: nightly", "1 retired", "1 not retired", "it stays after its image",
			"missing-permissions")
		n.until(2)
		n.saysOf(n.runs()[0], "its image is gone")
	})
}

// EC2 is down for what retiring asks: the run has not failed, and people are told.
func TestRetiringFails(t *testing.T) {
	play(t, stack.Options{Plans: nightly(keeping)}, func(n *night) {
		web := n.launch("web", "")
		n.old("web", web, 3)
		n.at("retire", "", func(work) {
			n.EC2.Inject(ec2.Fault{Action: "DescribeImages", Code: denied, Status: 403, Until: time.Now().Add(time.Minute)})
		})
		n.until(0)
		n.want("ending", n.results(n.onlyRun())[web].Ending, job.Imaged)
		n.want("status", n.onlyRun().Status, asl.Succeeded)
		n.saysOf(n.onlyRun(), "PARTIAL: nightly", "1 imaged", "listing the images of plan nightly",
			"the next run tries again")
	})
}

// A request for one source retires that source's images, and no other's.
func TestARequestRetiresItsOwn(t *testing.T) {
	play(t, stack.Options{Plans: nightly(keeping)}, func(n *night) {
		web, db := n.launch("web", ""), n.launch("db", "")
		webs, dbs := n.old("web", web, 3), n.old("db", db, 3)
		n.old("db", db, 2)
		n.begin()
		n.ask(web, "now")
		n.finish()
		n.want("images", []string{n.is(webs), n.is(dbs)}, []string{"deprecated", "available"})
	})
}

// retireNight has one image to deprecate, one to remove and a template version to prune.
func retireNight(t *testing.T, c *chaos) {
	t.Helper()
	between := &sandboxes{chaos: c}
	play(t, stack.Options{
		Plans: nightly(keeping), Ledger: chaosLedger{ledger.NewMemory()}, Observer: transitions{c},
		Wrap:  func(inner asl.Invoker) asl.Invoker { between.inner = inner; return between },
		Guard: func(s *stack.Stack) http.Handler { return wire{s} },
	}, func(n *night) {
		between.slack = n.Slack.Inject
		web := n.launch("web", "stopped")
		gone, going := n.old("web", web, 9), n.old("web", web, 8)
		template := n.template("web", "web", "t3.micro", gone)
		n.version(template, going)
		n.made(template, 2, 1)
		must(n.cloud.EnableImageDeprecation(n.ctx,
			&sdk.EnableImageDeprecationInput{ImageId: aws.String(gone),
				DeprecateAt: aws.Time(time.Now().Add(time.Minute))}))(n.t)
		n.ok(n.Ledger.PutRetirement(n.ctx,
			job.Retirement{Plan: "nightly", Subject: gone, Name: "web", Run: "before", Status: job.Deprecated,
				Since: time.Now().Add(-time.Hour), At: time.Now()}))
		n.begin()
		time.Sleep(time.Until(due) - time.Second)
		c.arm(true)
		n.finish()
		c.arm(false)
		n.want("images", []string{n.is(gone), n.is(going)}, []string{"gone", "deprecated"})
		n.want("versions", slices.Contains([]string{n.versions(template)[1]}, gone), false)
		statuses := map[string]job.Status{}
		for r, err := range n.Ledger.Retirements(n.ctx, "nightly") {
			n.ok(err)
			statuses[r.Subject] = r.Status
		}
		n.want("statuses", []job.Status{statuses[gone], statuses[going]}, []job.Status{job.Retired, job.Deprecated})
		n.saysOf(n.onlyRun(), "OK: nightly", "1 retired", "1 deprecated")
	})
}

// Retiring is killed before or after each of its calls, and done again: each image goes once, and nothing is left.
func TestRetiringIsKilled(t *testing.T) {
	calm := newChaos()
	retireNight(t, calm)
	nights := 0
	for _, m := range calm.possible {
		if !m.at("retire") || !m.is(killedBefore, killedAfter, unanswered, answerLost) || m.is(killedBefore) &&
			isRead(callAt(m)) {
			continue
		}
		nights++
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			c := newChaos(m)
			retireNight(t, c)
			if len(c.struck) == 0 {
				t.Error("the boundary was not met again")
			}
		})
	}
	if nights < 10 {
		t.Errorf("%d nights", nights)
	}
}

// callAt is the call at a mishap's boundary.
func callAt(m mishap) string {
	_, call, _ := strings.Cut(m.boundary, " | ")
	call, _, _ = strings.Cut(strings.TrimPrefix(call, "ledger "), " ")
	return call
}

// A snapshot that a launch template makes a volume of keeps its image: both are there after the image's turn came.
func TestASnapshotThatATemplateUsesKeepsItsImage(t *testing.T) {
	play(t, stack.Options{Plans: nightly(keeping)}, func(n *night) {
		web := n.launch("web", "")
		first := n.old("web", web, 2)
		n.old("web", web, 1)
		out := must(n.cloud.DescribeImages(n.ctx, &sdk.DescribeImagesInput{ImageIds: []string{first}}))(n.t)
		snapshot := out.Images[0].BlockDeviceMappings[0].Ebs.SnapshotId
		must(n.cloud.CreateLaunchTemplate(n.ctx, &sdk.CreateLaunchTemplateInput{
			LaunchTemplateName: aws.String("analytics"), LaunchTemplateData: &types.RequestLaunchTemplateData{
				ImageId: aws.String(ec2.ImageX86), InstanceType: types.InstanceTypeT3Micro,
				BlockDeviceMappings: []types.LaunchTemplateBlockDeviceMappingRequest{{
					DeviceName: aws.String("/dev/sdf"), Ebs: &types.LaunchTemplateEbsBlockDeviceRequest{SnapshotId: snapshot},
				}},
			},
		}))(n.t)
		n.until(0)
		n.until(1)
		_, err := n.cloud.DescribeSnapshots(n.ctx, &sdk.DescribeSnapshotsInput{SnapshotIds: []string{aws.ToString(snapshot)}})
		n.ok(err)
		n.want("the image", len(must(n.cloud.DescribeImages(n.ctx,
			&sdk.DescribeImagesInput{ImageIds: []string{first}}))(n.t).Images), 1)
	})
}
