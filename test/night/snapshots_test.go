package night_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/sfn"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// snapshotOf is a completed snapshot of the volume at a device of an instance; "" is its root device.
func (n *night) snapshotOf(instance, device string, tags map[string]string) string {
	n.t.Helper()
	time.Sleep(time.Minute) // EC2 may not show a new instance yet.
	var volume *string
	for _, i := range n.instances() {
		for _, m := range i.BlockDeviceMappings {
			wanted := device == "" && aws.ToString(m.DeviceName) == aws.ToString(i.RootDeviceName) ||
				aws.ToString(m.DeviceName) == device
			if aws.ToString(i.InstanceId) == instance && wanted {
				volume = m.Ebs.VolumeId
			}
		}
	}
	in := &sdk.CreateSnapshotInput{VolumeId: volume}
	if len(tags) > 0 {
		in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeSnapshot, Tags: tag.List(tags)}}
	}
	made := must(n.cloud.CreateSnapshot(n.ctx, in))(n.t)
	time.Sleep(10 * time.Minute) // Until it is completed.
	return aws.ToString(made.SnapshotId)
}

// lost is a snapshot of the root volume of an instance that is gone.
func (n *night) lost(name string, tags map[string]string) string {
	n.t.Helper()
	instance := n.launch(name, "")
	all := map[string]string{tag.ImageSettings: "rootDeviceName=/dev/xvda enaSupport=true"}
	maps.Copy(all, tags)
	snapshot := n.snapshotOf(instance, "", all)
	must(n.cloud.TerminateInstances(n.ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{instance}}))(n.t)
	time.Sleep(10 * time.Minute)
	return snapshot
}

// wasRegistered: one image of a snapshot, available, on a copy of its own, and noted on the snapshot.
func (n *night) wasRegistered(r sfn.Execution, snapshot string) types.Image {
	n.t.Helper()
	result, images := n.results(r)[snapshot], n.imagesOf(snapshot)
	if result.Ending != job.Imaged || len(images) != 1 {
		n.t.Fatalf("%s ended %q with %d images (%v %s), want one", snapshot, result.Ending, len(images), result.Skip,
			result.Problem)
	}
	i := images[0]
	n.want("state", i.State, types.ImageStateAvailable)
	n.want("image", aws.ToString(i.ImageId), result.Image.ID)
	n.want("last image", n.tagsOf(snapshot)[tag.LastImage], result.Image.ID)
	n.want("request", n.tagsOf(snapshot)[tag.Request], "")
	return i
}

// defaultImage is the image that a launch template's default version names.
func (n *night) defaultImage(template string) string {
	n.t.Helper()
	for _, v := range n.defaults() {
		if aws.ToString(v.LaunchTemplateId) == template {
			return aws.ToString(v.LaunchTemplateData.ImageId)
		}
	}
	return ""
}

func rootOf(i types.Image) string {
	for _, m := range i.BlockDeviceMappings {
		if aws.ToString(m.DeviceName) == aws.ToString(i.RootDeviceName) {
			return aws.ToString(m.Ebs.SnapshotId)
		}
	}
	return ""
}

func TestATagOnASnapshotMakesAnImageOfACopy(t *testing.T) {
	play(t, stack.Options{Plans: onRequest()}, func(n *night) {
		snapshot := n.lost("web", map[string]string{"Name": "web"})
		template := n.template("web", "web", "t3.micro", ec2.ImageX86)
		n.begin()
		n.ask(snapshot, "now")
		n.finish()

		r := n.onlyRun()
		n.want("status", r.Status, asl.Succeeded)
		i := n.wasRegistered(r, snapshot)
		n.want("name", tag.Map(i.Tags)[tag.Name], "web")
		n.want("on a copy", rootOf(i) != snapshot, true)
		n.want("architecture", i.Architecture, types.ArchitectureValuesX8664)
		n.want("boot mode", i.BootMode, types.BootModeValuesUefiPreferred)
		n.want("ENA", aws.ToBool(i.EnaSupport), true)
		n.want("virtualization", i.VirtualizationType, types.VirtualizationTypeHvm)
		n.want("launched by the template", n.defaultImage(template), aws.ToString(i.ImageId))
		n.saysOf(r, "OK", snapshot)
	})
}

func TestASnapshotOfALivingInstanceStopsNothing(t *testing.T) {
	play(t, stack.Options{Plans: nightly()}, func(n *night) {
		web := n.launch("web", "")
		snapshot := n.snapshotOf(web, "", nil)
		n.begin()
		time.Sleep(time.Until(due.Add(-time.Second)))
		n.ask(snapshot, "now") // while the nightly run has the instance in hand
		for _, r := range n.finishAfter(due) {
			if strings.HasPrefix(r.Name, "request-") {
				n.wasRegistered(r, snapshot)
				continue
			}
			n.wasImaged(r, web)
		}
		n.want("runs", len(n.runs()), 2)
		n.want("stops", len(n.callsOf("StopInstances", web)), 1)
	})
}

func TestTwoRequestsOnOneSnapshot(t *testing.T) {
	play(t, stack.Options{Plans: with(onRequest(), "weekly", func(*plan.Plan) {})}, func(n *night) {
		snapshot := n.lost("web", map[string]string{tag.Plan: "nightly weekly"})
		n.begin()
		for _, p := range []string{"nightly", "weekly"} {
			sent := must(event.RunNow{Plan: p, Source: snapshot, ID: "one"}.MarshalJSON())(n.t)
			must(n.Invoke(n.ctx, "goldsmith-trigger", sent))(n.t)
		}
		n.finish()
		n.want("images", len(n.imagesOf(snapshot)), 1)
	})
}

func TestWhatIsNoRootVolumeIsRefused(t *testing.T) {
	play(t, stack.Options{Plans: onRequest()}, func(n *night) {
		web := n.launch("web", "gp3")
		snapshot := n.snapshotOf(web, "/dev/sdf", nil)
		n.begin()
		n.ask(snapshot, "now")
		n.finish()

		r := n.onlyRun()
		n.wasSkipped(r, snapshot, job.NotRegistrable)
		n.want("images", len(n.images()), 0)
		n.want("request", n.tagsOf(snapshot)[tag.Request], "")
		n.saysOf(r, snapshot, "it is no root volume", "Name the snapshot of the root volume")
		if strings.Contains(n.messagesOf(r)[0], "OK") {
			t.Error("it is told as OK")
		}
	})
}

func TestASnapshotThatIsPendingIsWaitedFor(t *testing.T) {
	play(t, stack.Options{Plans: onRequest()}, func(n *night) {
		web := n.launch("web", "")
		volume := n.instances()[0].BlockDeviceMappings[0].Ebs.VolumeId
		n.begin()
		made := must(n.cloud.CreateSnapshot(n.ctx, &sdk.CreateSnapshotInput{
			VolumeId: volume, TagSpecifications: []types.TagSpecification{{
				ResourceType: types.ResourceTypeSnapshot, Tags: tag.List(map[string]string{tag.Request: "nightly"}),
			}},
		}))(n.t)
		n.theirs[aws.ToString(made.SnapshotId)] = true
		n.finish()
		n.wasRegistered(n.onlyRun(), aws.ToString(made.SnapshotId))
		n.want("stops", len(n.callsOf("StopInstances", web)), 0)
	})
}

func TestBillingThatIsLost(t *testing.T) {
	play(t, stack.Options{Plans: onRequest()}, func(n *night) {
		web := n.launch("web", "image="+ec2.ImageWindows)
		snapshot := n.snapshotOf(web, "", map[string]string{tag.ImageSettings: "bootMode=legacy-bios"})
		template := n.template("web", "web", "t3.micro", ec2.ImageWindows)
		n.EC2.LoseBilling(snapshot)
		n.begin()
		n.ask(snapshot, "now")
		n.finish()

		r := n.onlyRun()
		n.hasFailed(r, snapshot, job.Broken, "is billed otherwise than it was")
		n.saysOf(r, "Make the image from an instance, which keeps how it is billed")
		n.want("rolled", n.defaultImage(template), ec2.ImageWindows)
		time.Sleep(time.Hour)
		n.want("images", len(n.images()), 0)
		n.want("copies", len(n.snapshots()), 0)
	})
}

// Each image of a snapshot takes the copy with it that it was registered of, and nothing else.
func TestAnImageOfASnapshotIsRetired(t *testing.T) {
	plans := with(onRequest(), "nightly", func(p *plan.Plan) { p.Keep.Last, p.Keep.Grace = 1, plan.Duration(time.Hour) })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		web := n.launch("web", "")
		settings := map[string]string{tag.ImageSettings: "rootDeviceName=/dev/xvda enaSupport=true", "Name": "web"}
		first, second := n.snapshotOf(web, "", settings), n.snapshotOf(web, "", settings)
		must(n.cloud.TerminateInstances(n.ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{web}}))(n.t)
		time.Sleep(10 * time.Minute)
		n.begin()
		for _, id := range []string{first, second, second, second} {
			n.ask(id, "now")
			n.finish()
			time.Sleep(2 * time.Hour)
		}
		n.want("images of the first", len(n.imagesOf(first)), 0)
		n.want("snapshots", len(n.allSnapshots()), 2+len(n.images()))
	})
}

// Whatever a job that was cut off had made of a snapshot goes again, and the snapshot stays.
func TestACutOffImageOfASnapshot(t *testing.T) {
	for _, step := range []string{"snapshot", "watch:copied", "watch:available"} {
		for _, after := range []bool{false, true} {
			t.Run(step, func(t *testing.T) {
				play(t, stack.Options{Plans: onRequest()}, func(n *night) {
					snapshot := n.lost("web", nil)
					n.begin()
					arm := n.at
					if after {
						arm = n.after
					}
					arm(step, snapshot, func(work) { n.ok(n.States.Stop(n.onlyRun().ARN, "", "")) })
					n.ask(snapshot, "now")
					n.finish()
					time.Sleep(time.Hour)
					n.want("images", len(n.images()), 0)
					n.want("copies", len(n.snapshots()), 0)
					n.want("request", n.tagsOf(snapshot)[tag.Request], "")
				})
			})
		}
	}
}
