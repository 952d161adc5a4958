package security_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"pgregory.net/rapid"

	"goldsmith/local/ec2"
	"goldsmith/shared/image"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// stranger is something that Goldsmith did not make and that carries its tags. WEB in a text stands for the id of
// instance Web.
type stranger struct {
	how      string
	tags     map[string]string
	name     string
	nights   int
	untagged bool // Goldsmith's tags are put on later, by hand
}

// The ways in which there comes to be something that carries Goldsmith's tags.
const (
	seeded    = "an image that CreateImage made of the instance"
	copied    = "a copy of a golden image, with its tags"
	copyOfBad = "a copy of the image of a job that failed, with its tags"
	restored  = "an image that somebody had back from the Recycle Bin"
	snapped   = "a snapshot"
	launched  = "an instance"
	fromOurs  = "an instance launched from a golden image"
	enrolled  = "a snapshot of a golden image's volume, taken by hand"
)

var ways = []string{seeded, copied, copyOfBad, restored, snapped, launched, fromOurs, enrolled}

// values are what Goldsmith's tags may say: the truth about another resource, and untruth.
var values = map[string][]string{
	tag.Managed: {"true", "false", ""}, tag.Plan: {"nightly", "weekly"}, tag.Name: {"web", "db"},
	tag.Source: {"WEB", "i-0123456789abcdef0", "web"}, tag.Run: {"nightly-001", "nightly-009", "tonight-0"},
	tag.BootTest: {"nightly-001", "x"}, tag.Keep: {"last=9", "last=0", "nonsense"},
	tag.LastImage: {"ami-0123456789abcdef0"},
	"Name":        {"web"},
}

func drawStranger(r *rapid.T) stranger {
	x := stranger{
		how: rapid.SampledFrom(ways).Draw(r, "how"), tags: map[string]string{},
		nights: rapid.IntRange(0, 400).Draw(r, "nights"),
		name: rapid.SampledFrom([]string{
			"backup", "goldsmith/web/WEB/nightly-%d", "goldsmith/web/WEB/tonight-%d",
			"goldsmith/db/i-0123456789abcdef0/nightly-%d",
		}).Draw(r, "name"),
		untagged: rapid.Bool().Draw(r, "tagged later"),
	}
	for _, key := range rapid.SliceOfDistinct(rapid.SampledFrom(keys()), rapid.ID).Draw(r, "keys") {
		x.tags[key] = rapid.SampledFrom(values[key]).Draw(r, key)
	}
	return x
}

func keys() []string {
	return []string{tag.Managed, tag.Plan, tag.Name, tag.Source, tag.Run, tag.BootTest, tag.Keep, tag.LastImage, "Name"}
}

// appear makes the stranger and returns the ids of what there is of it.
func (w *world) appear(n int, x stranger, good, bad string) []string {
	w.Helper()
	tags := map[string]string{}
	for key, value := range x.tags {
		tags[key] = strings.ReplaceAll(value, "WEB", w.Web)
	}
	later := map[string]string{}
	if x.untagged {
		tags, later = later, tags
	}
	name := strings.ReplaceAll(fmt.Sprintf("%s-%d", x.name, n), "WEB", w.Web)
	name = strings.ReplaceAll(name, "%d", fmt.Sprintf("%03d", 500+n))
	id := w.bring(x.how, name, tags, good, bad, x.nights)
	if len(later) > 0 {
		w.Must(w.Cloud.SetTags(id, later))
	}
	ids := []string{id}
	if strings.HasPrefix(id, "ami-") {
		time.Sleep(time.Hour)
		w.Must(w.Cloud.Backdate(id, time.Now().AddDate(0, 0, -x.nights)))
		out, err := w.EC2.DescribeImages(w.Context(), &sdk.DescribeImagesInput{ImageIds: []string{id}})
		w.Must(err)
		ids = append(ids, image.Snapshots(out.Images[0])...)
	}
	return ids
}

func (w *world) bring(how, name string, tags map[string]string, good, bad string, nights int) string {
	w.Helper()
	switch how {
	case copied:
		return w.copy(good, name, tags)
	case copyOfBad:
		return w.copy(bad, name, tags)
	case snapped:
		return w.snapshot(w.Web, tags)
	case enrolled:
		return w.snapshot(w.launch(good, nil), tags)
	case launched:
		return w.launch(ec2.ImageX86, tags)
	case fromOurs:
		return w.launch(good, tags)
	}
	id := w.Cloud.SeedImage(name, time.Now().AddDate(0, 0, -nights), tags)
	if how == restored {
		w.Cloud.SetRecycleBin(24 * time.Hour)
		_, err := w.EC2.DeregisterImage(w.Context(), &sdk.DeregisterImageInput{ImageId: &id})
		w.Must(err)
		_, err = w.EC2.RestoreImageFromRecycleBin(w.Context(), &sdk.RestoreImageFromRecycleBinInput{ImageId: &id})
		w.Must(err)
		w.Cloud.SetRecycleBin(0)
	}
	return id
}

func (w *world) copy(of, name string, tags map[string]string) string {
	w.Helper()
	out, err := w.EC2.CopyImage(w.Context(), &sdk.CopyImageInput{
		Name: &name, SourceImageId: &of, SourceRegion: aws.String(steptest.Region), CopyImageTags: aws.Bool(true),
	})
	w.Must(err)
	id := aws.ToString(out.ImageId)
	w.Must(w.Cloud.SetTags(id, tags))
	return id
}

func (w *world) launch(from string, tags map[string]string) string {
	w.Helper()
	return w.Launch("stranger", tags, func(in *sdk.RunInstancesInput) { in.ImageId = &from })
}

func (w *world) snapshot(of string, tags map[string]string) string {
	w.Helper()
	out, err := w.EC2.DescribeInstances(w.Context(), &sdk.DescribeInstancesInput{InstanceIds: []string{of}})
	w.Must(err)
	made, err := w.EC2.CreateSnapshot(w.Context(), &sdk.CreateSnapshotInput{
		VolumeId:          out.Reservations[0].Instances[0].BlockDeviceMappings[0].Ebs.VolumeId,
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeSnapshot, Tags: tag.List(tags)}},
	})
	w.Must(err)
	time.Sleep(time.Minute) // EC2 makes one snapshot of a volume in 15 seconds
	return aws.ToString(made.SnapshotId)
}

// night plays a week in a world with these strangers. It returns what became of Goldsmith's own images, and
// what was done to a stranger that should not have been.
func night(t *testing.T, strangers []stranger) (statuses string, wrong []string) {
	w := newWorld(t)
	w.made(1, true)
	good, bad := w.made(5, true), w.made(9, false)
	for _, nights := range []int{3, 7, 20} {
		w.made(nights, true)
	}
	var ids []string
	for n, x := range strangers {
		ids = append(ids, w.appear(n, x, good, bad)...)
	}
	time.Sleep(24*time.Hour - time.Since(time.Now().Truncate(24*time.Hour))) // strangers take a while to appear
	before := map[string]string{}
	for _, id := range ids {
		before[id] = w.shown(id)
	}
	w.nights()
	for _, id := range ids {
		if after := w.shown(id); after != before[id] {
			wrong = append(wrong, fmt.Sprintf("%s was changed:\nbefore %s\nafter  %s", id, before[id], after))
		}
	}
	return w.statuses(), append(wrong, w.counted()...)
}

// In any world of images, snapshots and instances that carry any of Goldsmith's tags, made by anyone and at any age,
// sweeps and retiring change nothing that is not registered, and decide about Goldsmith's own images as if it were not
// there.
func TestNothingUnregisteredIsChangedOrCounted(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		strangers := rapid.SliceOfN(rapid.Custom(drawStranger), 1, 6).Draw(r, "strangers")
		// What launches or uses a golden image keeps it; all else must make no difference.
		harmless := true
		for _, x := range strangers {
			harmless = harmless && x.how != fromOurs && x.how != enrolled
		}
		var alone, statuses string
		var wrong []string
		synctest.Test(t, func(t *testing.T) { statuses, wrong = night(t, strangers) })
		if len(wrong) > 0 {
			r.Fatal(strings.Join(wrong, "\n"))
		}
		if !harmless {
			return
		}
		synctest.Test(t, func(t *testing.T) { alone, _ = night(t, nil) })
		if statuses != alone {
			r.Fatalf("Goldsmith's images fare otherwise:\n%s\nand alone:\n%s", statuses, alone)
		}
	})
}
