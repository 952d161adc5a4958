package night_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/cmd/goldsmith/rehearsal"
	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/attribute"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// stored is the nightly plan over snapshots that carry Backup=daily.
func stored() plan.Plans {
	return nightly(func(p *plan.Plan) { p.Sources.Snapshots.Tags = map[string][]string{"Backup": {"daily"}} })
}

// Each night the newest snapshot of each source that another tool makes becomes an image, and no instance is touched.
func TestAPlanOverAnotherToolsSnapshots(t *testing.T) {
	daily := map[string]string{"Backup": "daily"}
	play(t, stack.Options{Plans: stored()}, func(n *night) {
		web := n.launch("web", "gp3 plan=other")
		template := n.template("web", "web", "t3.micro", ec2.ImageX86)
		n.snapshotOf(web, "", daily)
		newest := n.snapshotOf(web, "", daily)
		p := n.plans.Plans["nightly"]
		rehearsed := n.rehearse(rehearsal.Scheduled(p, time.Now()), p)
		said := rehearsed.Sources
		first := n.run()[0]
		i := n.wasRegistered(first, newest)
		n.want("rehearsed", len(said) == 1 && said[0].ID == newest && said[0].Registering != nil, true)
		n.want("boot mode, as rehearsed", i.BootMode, said[0].Registering.Value(attribute.BootMode))
		n.want("templates, as rehearsed", len(rehearsed.Templates), len(n.results(first)[newest].Rolled))
		for _, r := range rehearsed.Templates {
			n.want("rehearsed of "+r.Target, []string{r.Problem, r.To}, []string{"", rehearsal.Expected(newest)})
		}
		n.want("results", len(n.results(first)), 1)
		n.want("stops", len(n.callsOf("StopInstances")), 0)
		n.want("launched", n.defaultImage(template), n.results(first)[newest].Image.ID)

		time.Sleep(time.Until(due.Add(24 * time.Hour))) // The tool has made none since.
		second := n.finish()[0]
		n.want("ending", n.results(second)[newest].Ending, job.Skipped)
		n.want("reason", n.results(second)[newest].Skip.Code, job.AlreadyImaged)
		n.want("images", len(n.images()), 1)
	})
}

// The snapshot that was imaged is deleted: the one before it would take back what was rolled, unless it is asked for.
func TestAnOlderSnapshotIsNoNews(t *testing.T) {
	daily := map[string]string{"Backup": "daily"}
	play(t, stack.Options{Plans: stored()}, func(n *night) {
		web := n.launch("web", "plan=other")
		template := n.template("web", "web", "t3.micro", ec2.ImageX86)
		older, newest := n.snapshotOf(web, "", daily), n.snapshotOf(web, "", daily)
		image := n.results(n.run()[0])[newest].Image.ID
		must(n.cloud.DeleteSnapshot(n.ctx, &sdk.DeleteSnapshotInput{SnapshotId: aws.String(newest)}))(n.t)
		time.Sleep(time.Until(due.Add(24 * time.Hour)))
		second := n.finish()[0]
		n.want("ending", n.results(second)[older].Ending, job.Skipped)
		n.want("names the image", strings.Contains(n.results(second)[older].Skip.Text, "that "+image+" was made of"), true)
		n.want("launched", n.defaultImage(template), image)
		n.ask(older, "nightly")
		n.wasRegistered(n.finish()[0], older)
	})
}

// A tool that copies the tags of an instance to its snapshots copies that of the instance's last image, too.
func TestATagOfAnotherToolsSnapshotIsNoImage(t *testing.T) {
	play(t, stack.Options{Plans: stored()}, func(n *night) {
		web := n.launch("web", "plan=other")
		s := n.snapshotOf(web, "", map[string]string{"Backup": "daily", tag.LastImage: "ami-0aaaaaaaaaaaaaaaa"})
		n.wasRegistered(n.run()[0], s)
	})
}

// A data volume stays with what is launched from the image as it does with the instance, unless the plan says
// otherwise.
func TestADataVolumeThatStays(t *testing.T) {
	for says, kept := range map[plan.Delete]bool{"": true, plan.DeleteAsSource: true, plan.DeleteAlways: false} {
		plans := with(onRequest(), "nightly", func(p *plan.Plan) { p.Image.DeleteOnTermination = says })
		play(t, stack.Options{Plans: plans}, func(n *night) {
			db := n.launch("db", "kept")
			root := n.snapshotOf(db, "", nil)
			for _, m := range n.instances()[0].BlockDeviceMappings {
				if device := aws.ToString(m.DeviceName); device != "/dev/xvda" {
					n.snapshotOf(db, device, map[string]string{tag.Device: device})
				}
			}
			n.begin()
			n.ask(root, "now")
			n.finish()
			i := n.wasRegistered(n.onlyRun(), root)
			n.want("volumes", len(i.BlockDeviceMappings), 2)
			for _, m := range i.BlockDeviceMappings {
				data := aws.ToString(m.DeviceName) != "/dev/xvda"
				n.want("stays", !aws.ToBool(m.Ebs.DeleteOnTermination), data && kept)
			}
		})
	}
}

// Without a copy the image is registered of the snapshot itself, which stays when the image is retired.
func TestAnImageOfTheSnapshotItself(t *testing.T) {
	plans := with(onRequest(), "nightly", func(p *plan.Plan) {
		p.Keep.Last, p.Keep.Grace, p.Image.Copy = 1, plan.Duration(time.Hour), false
	})
	play(t, stack.Options{Plans: plans}, func(n *night) {
		web := n.launch("web", "")
		first, second := n.snapshotOf(web, "", nil), n.snapshotOf(web, "", nil)
		n.begin()
		for _, id := range []string{first, second} {
			n.ask(id, "now")
			n.finish()
			n.want("of", rootOf(n.wasRegistered(n.runs()[0], id)), id)
			n.saysOf(n.runs()[0], "while the image is there the snapshot cannot be deleted")
			time.Sleep(2 * time.Hour)
		}
		for range 2 { // A parameter names the first image until the second is rolled.
			n.ask(second, "now")
			n.finish()
			time.Sleep(2 * time.Hour)
		}
		n.want("images of the first", len(n.imagesOf(first)), 0)
		n.want("snapshots", len(n.allSnapshots()), 2)
	})
}

// What a plan or a tag says of the image is registered, with data volumes that say their devices.
func TestSettingsAndDataVolumes(t *testing.T) {
	plans := with(onRequest(), "nightly",
		func(p *plan.Plan) { p.Image.Settings = "imdsSupport=v2.0 volumeType=gp3 iops=3500" })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		web := n.launch("web", "gp3 gp3")
		root := n.snapshotOf(web, "", map[string]string{tag.ImageSettings: "iops=4000"})
		data := n.snapshotOf(web, "/dev/sdf", map[string]string{tag.Device: "/dev/sdf"})
		n.begin()
		n.ask(root, "now")
		n.finish()
		i := n.wasRegistered(n.onlyRun(), root)
		n.want("IMDS", i.ImdsSupport, types.ImdsSupportValuesV20)
		n.want("volumes", len(i.BlockDeviceMappings), 2)
		for _, m := range i.BlockDeviceMappings {
			if aws.ToString(m.DeviceName) == "/dev/sdf" {
				n.want("a copy", aws.ToString(m.Ebs.SnapshotId) != data, true)
				continue
			}
			n.want("IOPS", aws.ToInt32(m.Ebs.Iops), 4000)
		}
		n.want("copies", len(n.snapshots()), 2)
	})
}

func TestAContradictionIsRefused(t *testing.T) {
	play(t, stack.Options{Plans: onRequest()}, func(n *night) {
		web := n.launch("web", "")
		snapshot := n.snapshotOf(web, "", map[string]string{tag.ImageSettings: "architecture=arm64"})
		n.begin()
		n.ask(snapshot, "now")
		n.finish()
		r := n.onlyRun()
		n.wasSkipped(r, snapshot, job.NotRegistrable)
		n.saysOf(r, "architecture is arm64, says the tag goldsmith:image-settings; the disk starts on x86_64 alone")
	})
}

// A disk that cannot be read is a root volume where AMIs and instances say so, and refused where nothing does.
func TestASnapshotThatCannotBeRead(t *testing.T) {
	for _, lost := range []bool{false, true} {
		play(t, stack.Options{Plans: onRequest()}, func(n *night) {
			web := n.launch("web", "")
			snapshot := n.snapshotOf(web, "", nil)
			if lost {
				snapshot = n.lost("other", nil)
			}
			n.EBS.DenyKey("") // that of snapshots that are not encrypted
			n.begin()
			n.ask(snapshot, "now")
			n.finish()
			r := n.onlyRun()
			if lost {
				n.wasSkipped(r, snapshot, job.NotRegistrable)
				n.saysOf(r, "its disk was not read", "no AMI or instance says that it is a root volume")
				return
			}
			n.wasRegistered(r, snapshot)
			n.saysOf(r, "the disk was not read")
		})
	}
}
