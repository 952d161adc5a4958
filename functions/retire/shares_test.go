package retire_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/sharing"
	"goldsmith/test/steptest"
)

const sharee = "111122223333"

// newShared is a history of images that Goldsmith shares with an account and its organization, one with its snapshot.
func newShared(t *testing.T) *drawn {
	t.Helper()
	d := &drawn{Stage: steptest.New(t)}
	d.page = job.Batch{Run: job.Run{Name: "tonight", Plan: "nightly"}, Plan: d.Plan}
	d.page.Plan.Keep = plan.Keep{Last: 1, Minimum: 1, Grace: plan.Duration(24 * time.Hour)}
	time.Sleep(time.Minute)
	for _, nights := range []int{1, 10, 11, 12} {
		id := old(d.Stage, nights, nil)
		d.images = append(d.images, id)
		d.names = append(d.names, id, fmt.Sprintf("ami-%02d", nights), snapshotsOf(d.Stage, id)[0],
			fmt.Sprintf("snap-%02d", nights))
		if nights == 12 {
			continue // One that is not shared.
		}
		with := job.Sharing{Accounts: []string{sharee}, Snapshots: nights == 10,
			Organizations: []string{"arn:aws:organizations::999900001111:organization/o-a1b2c3d4e5"}}
		_, err := sharing.Permit(d.Context(), d.EC2, id, snapshotsOf(d.Stage, id), with)
		d.Must(err)
		r := registrationOf(d.Stage, id)
		r.Shared = &with
		_, err = d.Ledger.Kept.Amend(d.Context(), r)
		d.Must(err)
	}
	return d
}

// permissions are the accounts that may use each image and its snapshot, and since when that is taken back.
func (d *drawn) permissions() {
	d.Helper()
	for _, id := range d.images {
		if state := is(d.Stage, id); state == "gone" || state == "disabled" {
			continue
		}
		said := ""
		image, err := d.EC2.DescribeImageAttribute(d.Context(), &sdk.DescribeImageAttributeInput{
			ImageId: aws.String(id), Attribute: types.ImageAttributeNameLaunchPermission})
		d.Must(err)
		for _, p := range image.LaunchPermissions {
			said += " " + aws.ToString(p.UserId) + aws.ToString(p.OrganizationArn)
		}
		snapshot, err := d.EC2.DescribeSnapshotAttribute(d.Context(), &sdk.DescribeSnapshotAttributeInput{
			SnapshotId: aws.String(snapshotsOf(d.Stage, id)[0]), Attribute: types.SnapshotAttributeNameCreateVolumePermission})
		d.Must(err)
		said += fmt.Sprintf("; its snapshot with %d; taken back %t", len(snapshot.CreateVolumePermissions),
			!registrationOf(d.Stage, id).Unshared.IsZero())
		d.say("  %s is shared with%s", strings.NewReplacer(d.names...).Replace(id), said)
	}
}

// sharedNights are a run each; before each something may happen.
func sharedNights(t *testing.T, nights int, before func(d *drawn, night int)) (said string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newShared(t)
		d.looks()
		for night := range nights {
			d.say("- night %d", night)
			d.page.Run.Name = fmt.Sprint("night-", night)
			d.Disturb(0, steptest.Disturbance{})
			before(d, night)
			d.rounds()
			d.say("  %s", strings.Join(d.Calls(), " "))
			d.Disturb(0, steptest.Disturbance{})
			time.Sleep(time.Hour)
			d.looks()
			d.permissions()
			time.Sleep(24 * time.Hour)
		}
		said = strings.NewReplacer(d.names...).Replace(d.log.String())
	})
	return said
}

// sharedStories are what may happen to what is shared: nothing, a plan that keeps it after all, an account that uses
// it, an image that is disabled and that a person enables, and a request of another source.
var sharedStories = []func(d *drawn, night int){
	func(*drawn, int) {},
	func(d *drawn, night int) {
		if night == 7 {
			d.page.Plan.Keep.Last = 9
		}
	},
	func(d *drawn, night int) {
		if night == 1 {
			d.Must(d.Cloud.UseBy(ec2.Consumer{Account: sharee}, d.images[1], false))
		}
	},
	func(d *drawn, night int) {
		if d.page.Plan.Keep.Disable = true; is(d.Stage, d.images[1]) == "disabled" {
			_, err := d.EC2.EnableImage(d.Context(), &sdk.EnableImageInput{ImageId: aws.String(d.images[1])})
			d.Must(err)
		}
	},
	func(d *drawn, night int) {
		if night == 2 {
			_, err := d.EC2.DisableImage(d.Context(), &sdk.DisableImageInput{ImageId: aws.String(d.images[1])})
			d.Must(err)
		}
	},
}

// refusals are calls that are refused in a night: asking who uses an image, taking back and sharing again.
var refusals = []struct {
	action string
	night  int
}{
	{"CreateImageUsageReport", 0}, {"ModifyImageAttribute", 6}, {"ModifySnapshotAttribute", 6}, {"DescribeSnapshots", 6},
	{"ModifyImageAttribute", 7}, {"DescribeSnapshots", 7},
}

// What becomes of images that Goldsmith shares, in each of these, and where a call is refused in a night (-update
// writes testdata/shared.txt anew).
func TestSharedHistories(t *testing.T) {
	const nights = 12
	calm := ""
	steptest.Transcripts(t, *update, "shared.txt", len(sharedStories)+2*len(refusals), func(t *testing.T, n int) string {
		t.Helper()
		if n < len(sharedStories) {
			said := sharedNights(t, nights, sharedStories[n])
			if n == 1 {
				calm = said
			}
			return said
		}
		n -= len(sharedStories)
		code, refused := []string{"UnauthorizedOperation", "RequestLimitExceeded"}[n%2], refusals[n/2]
		said := sharedNights(t, nights, func(d *drawn, night int) {
			if sharedStories[1](d, night); night == refused.night {
				d.Cloud.Inject(ec2.Fault{Action: refused.action, Code: code, Until: time.Now().Add(30 * time.Minute)})
			}
		})
		return fmt.Sprintf("%s in night %d: %s\n%s", refused.action, refused.night, code, steptest.Difference(said, calm))
	})
}
