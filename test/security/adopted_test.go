package security_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/event"
	"goldsmith/shared/image"
	"goldsmith/shared/tag"
)

// A person has an image adopted that holds snapshots of others: it was registered from one, or one was added to it.
// It is retired like any other, with the snapshots that were made with it, and theirs stay.
func TestSnapshotsOfOthersStay(t *testing.T) {
	mapped := func(device, snapshot string) types.BlockDeviceMapping {
		return types.BlockDeviceMapping{DeviceName: aws.String(device), Ebs: &types.EbsBlockDevice{SnapshotId: &snapshot}}
	}
	for how, make := range map[string]func(w *world, others string, tags []types.TagSpecification) *string{
		"registered from it": func(w *world, others string, tags []types.TagSpecification) *string {
			out, err := w.EC2.RegisterImage(w.Context(), &sdk.RegisterImageInput{
				Name: aws.String("by hand"), RootDeviceName: aws.String("/dev/xvda"), VirtualizationType: aws.String("hvm"),
				Architecture: types.ArchitectureValuesX8664, TagSpecifications: tags,
				BlockDeviceMappings: []types.BlockDeviceMapping{mapped("/dev/xvda", others)},
			})
			w.Must(err)
			return out.ImageId
		},
		"added to an image of the instance": func(w *world, others string, tags []types.TagSpecification) *string {
			out, err := w.EC2.CreateImage(w.Context(), &sdk.CreateImageInput{
				Name: aws.String("by hand"), InstanceId: &w.Web, NoReboot: aws.Bool(true), TagSpecifications: tags,
				BlockDeviceMappings: []types.BlockDeviceMapping{mapped("/dev/sdz", others)},
			})
			w.Must(err)
			return out.ImageId
		},
	} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				all := map[string]string{tag.Managed: "true", tag.Plan: "nightly", tag.Name: "web", tag.Source: w.Web, tag.Run: "r"}
				others := w.snapshot(w.Web, all)
				time.Sleep(2 * time.Hour)
				tags := []types.TagSpecification{{ResourceType: types.ResourceTypeImage, Tags: tag.List(all)}}
				id := aws.ToString(make(w, others, tags))
				time.Sleep(2 * time.Hour)
				own := w.snapshots(id, others)
				w.adopt(id)
				w.names[id] = "adopted"
				w.made(0, true)
				before := w.shown(others)
				w.nights()
				w.nights()
				w.Same("the image", w.shown(id), "gone")
				w.Same("their snapshot", w.shown(others), before)
				w.Same("told", strings.Contains(w.statuses(), "not made with it, so they stay: "+others), true)
				for _, each := range own {
					w.Same("its own snapshot", w.shown(each), "gone")
				}
			})
		})
	}
}

// snapshots are those of an image without one.
func (w *world) snapshots(id, without string) (own []string) {
	w.Helper()
	out, err := w.EC2.DescribeImages(w.Context(), &sdk.DescribeImagesInput{ImageIds: []string{id}})
	w.Must(err)
	for _, each := range image.Snapshots(out.Images[0]) {
		if each != without {
			own = append(own, each)
		}
	}
	return own
}

// adopt has an image registered.
func (w *world) adopt(id string) {
	w.Helper()
	raw, err := event.Adopt{Images: []string{id}, By: "ada"}.MarshalJSON()
	w.Must(err)
	answer, err := w.recover().Handle(w.Context(), json.RawMessage(raw))
	w.Must(err)
	w.Same("adopted", answer.Adopted.Images[0].Why, "")
}
