package retire_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/retire"
	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/lineage"
	"goldsmith/shared/plan"
	"goldsmith/shared/retention"
	"goldsmith/shared/tag"
	"goldsmith/shared/usage"
	"goldsmith/test/steptest"
)

var update = flag.Bool("update", false, "write the transcripts in testdata anew")

// drawn is a history of images that chance has made, with what uses them and what persons did to them.
type drawn struct {
	*steptest.Stage
	*rand.Rand
	page   job.Batch
	images []string
	// names stand for ids in what is written down.
	names []string
	seen  []string
	log   strings.Builder
}

func newDrawn(t *testing.T, number int) *drawn {
	t.Helper()
	d := &drawn{Stage: steptest.New(t), Rand: rand.New(rand.NewPCG(uint64(number), 3))} //nolint:gosec // no secrets
	d.page = job.Batch{Run: job.Run{Name: "tonight", Plan: "nightly"}, Plan: d.Plan}
	d.page.Plan.Keep = plan.Keep{Last: d.IntN(3), Daily: d.IntN(4), Weekly: d.IntN(2), Monthly: d.IntN(2),
		Minimum: 1 + d.IntN(2), Disable: d.odds(3), Grace: plan.Duration(pick(d, time.Hour, 72*time.Hour))}
	if d.odds(2) {
		d.Cloud.SetRecycleBin(7 * 24 * time.Hour)
		d.Cloud.SetSnapshotRecycleBin(7 * 24 * time.Hour)
	}
	if d.odds(9) {
		d.page.Run.Request = &job.Request{Source: d.Web, Kind: job.Instance}
	}
	ended := d.Launch("web", map[string]string{tag.Plan: "nightly"})
	other := d.Launch("db", map[string]string{tag.Plan: "nightly"})
	d.names = append(d.names, d.Web, "i-web", ended, "i-ended", other, "i-db")
	time.Sleep(time.Minute)
	for _, nights := range d.Perm(40)[:4+d.IntN(6)] {
		d.image(nights+1, pick(d, d.Web, d.Web, d.Web, ended, other))
	}
	d.Set(ended, ec2.Terminated)
	for n, id := range d.images {
		d.used(n, id)
	}
	return d
}

// odds are one in so many.
func (d *drawn) odds(most int) bool { return d.IntN(most) == 0 }

func pick[T any](d *drawn, from ...T) T { return from[d.IntN(len(from))] }

// image is one of a source, so many nights old.
func (d *drawn) image(nights int, source string) {
	tags := map[string]string{tag.Source: source, tag.Name: map[bool]string{true: "db", false: "web"}[d.odds(6)]}
	if d.odds(8) {
		tags[tag.Plan] = "weekly"
	}
	if d.odds(10) {
		tags[tag.Keep] = pick(d, "last=3", "last=2 minimum=3", "no number")
	}
	var id string
	if d.odds(5) { // Tagged as ours, and not registered.
		tags[tag.Managed], tags[tag.Run], tags[tag.Plan] = "true", fmt.Sprintf("nightly-%03d", nights), "nightly"
		id = d.Cloud.SeedImage(fmt.Sprintf("unregistered/%03d", nights), time.Now().AddDate(0, 0, -nights), tags)
	} else {
		id = old(d.Stage, nights, tags)
		if d.odds(6) {
			d.result(nights, source, id)
		}
	}
	d.images = append(d.images, id)
	d.names = append(d.names, id, fmt.Sprintf("ami-%02d", nights), snapshotsOf(d.Stage, id)[0],
		fmt.Sprintf("snap-%02d", nights))
}

// result has the image's job end otherwise.
func (d *drawn) result(nights int, source, id string) {
	d.Must(d.Ledger.Kept.PutResult(d.Context(), job.Result{
		Run: fmt.Sprintf("nightly-%03d", nights), Source: source, Name: "web", Plan: "nightly", Ending: job.Broken,
		At:    time.Now().AddDate(0, 0, -nights),
		Image: job.Image{ID: id, State: pick(d, "pending", job.Unproven, job.Removed)},
	}))
}

// used has an image used by something, or a person do something to it, or neither.
func (d *drawn) used(n int, id string) {
	does := []func(){
		func() { d.template(n, id, id, ec2.ImageX86) },
		func() { d.template(n, id) },
		func() { d.user(id) },
		func() { byHand(d.Stage, id) },
		func() { d.protect(id) },
		func() { d.share(id) },
		func() { deprecated(d.Stage, id, pick(d, time.Hour, 100*time.Hour)) },
		func() { d.deny(id) },
		func() { boots(d.Stage, snapshotsOf(d.Stage, id)[0]) },
		func() { d.Must(d.Cloud.SetLastLaunched(id, time.Now().Add(-time.Hour))) },
	}
	if drew := d.IntN(14); drew < len(does) {
		does[drew]()
	}
}

// template makes a launch template of the images, a version each, and names it by the number.
func (d *drawn) template(n int, images ...string) {
	d.names = append(d.names, template(d.Stage, fmt.Sprint("fleet", n), images...), fmt.Sprint("lt-", n))
}

// user launches an instance of the image, and names it.
func (d *drawn) user(id string) {
	d.names = append(d.names, d.Launch("user", nil, func(in *sdk.RunInstancesInput) { in.ImageId = aws.String(id) }),
		"i-user")
}

// protect has a person protect the image from deregistration.
func (d *drawn) protect(id string) {
	_, err := d.EC2.EnableImageDeregistrationProtection(d.Context(),
		&sdk.EnableImageDeregistrationProtectionInput{ImageId: aws.String(id)})
	d.Must(err)
}

// share has a person share the image with another account.
func (d *drawn) share(id string) {
	_, err := d.EC2.ModifyImageAttribute(d.Context(), &sdk.ModifyImageAttributeInput{ImageId: aws.String(id),
		LaunchPermission: &types.LaunchPermissionModifications{
			Add: []types.LaunchPermission{{UserId: aws.String("210987654321")}}}})
	d.Must(err)
}

// deny has EC2 refuse one of the calls that retire the image or its snapshot, drawn by chance.
func (d *drawn) deny(id string) {
	d.Cloud.Inject(ec2.Fault{Action: pick(d, "DeregisterImage", "EnableImageDeprecation", "DeleteSnapshot"),
		Resource: pick(d, id, snapshotsOf(d.Stage, id)[0]), Code: "UnauthorizedOperation"})
}

// nights are rounds until there is no more to do.
func (d *drawn) rounds() {
	d.Helper()
	lineages := lineage.Finder{EC2: d.EC2, Groups: d.AutoScaling}
	reviewer := retention.Reviewer{EC2: d.EC2, Ledger: d.Ledger, Lineages: lineages,
		Usage: usage.Finder{EC2: d.EC2, AutoScaling: d.AutoScaling, SSM: d.SSM}, Now: time.Now}
	step := retire.Step{Reviewer: reviewer, EC2: d.EC2, Ledger: d.Ledger, Now: time.Now}
	page := d.page
	for n := range 4 {
		done, err := step.Handle(d.Context(), page)
		if err != nil {
			d.say("  error: %s", err)
			return
		}
		if !done.More {
			d.say("  %d rounds", n+1)
			return
		}
		page = done
	}
}

func (d *drawn) say(format string, args ...any) {
	d.log.WriteString(steptest.Timeless(fmt.Sprintf(format, args...)) + "\n")
}

// state is how images, snapshots and versions are, and what is written down of them.
func (d *drawn) state() (lines []string) {
	d.Helper()
	for _, id := range d.images {
		lines = append(lines, id+" is "+is(d.Stage, id))
	}
	out, err := d.EC2.DescribeSnapshots(d.Context(), &sdk.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
	d.Must(err)
	for _, s := range out.Snapshots {
		lines = append(lines, "there is "+aws.ToString(s.SnapshotId))
	}
	templates, err := d.EC2.DescribeLaunchTemplates(d.Context(), &sdk.DescribeLaunchTemplatesInput{})
	d.Must(err)
	for _, t := range templates.LaunchTemplates {
		lines = append(lines, fmt.Sprintf("%s has versions %v", *t.LaunchTemplateId, versions(d.Stage, *t.LaunchTemplateId)))
	}
	for r, err := range d.Ledger.Kept.Registrations(d.Context(), "") {
		d.Must(err)
		lines = append(lines, fmt.Sprintf("registered %s gone %t missed %t anew %t snapshots %d good %t", r.ID,
			!r.Gone.IsZero(), !r.Missed.IsZero(), !r.Anew.IsZero(), len(r.Snapshots), r.Good))
	}
	for _, p := range []string{"nightly", "weekly"} {
		for r, err := range d.Ledger.Kept.Retirements(d.Context(), p) {
			d.Must(err)
			text, err := json.Marshal(r)
			d.Must(err)
			lines = append(lines, strings.NewReplacer(`"`, "", `,run:tonight`, "").Replace(string(text)))
		}
	}
	return lines
}

// looks writes down what is not as it was, and what is no more.
func (d *drawn) looks() {
	d.Helper()
	var now []string
	replace := strings.NewReplacer(d.names...)
	for _, line := range d.state() {
		now = append(now, steptest.Timeless(replace.Replace(line)))
	}
	for _, line := range now {
		if !slices.Contains(d.seen, line) {
			d.say("  + %s", line)
		}
	}
	for _, line := range d.seen {
		if !slices.Contains(now, line) && !strings.HasPrefix(line, "{") {
			d.say("  - %s", line)
		}
	}
	d.seen = now
}

// What becomes of drawn histories over some nights (-update writes testdata/drawn.txt anew).
func TestDrawnHistories(t *testing.T) {
	steptest.Transcripts(t, *update, "drawn.txt", 80, func(t *testing.T, number int) (said string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			d := newDrawn(t, number)
			keep, err := json.Marshal(d.page.Plan.Keep)
			d.Must(err)
			d.say("%s request %t", strings.ReplaceAll(string(keep), `"`, ""), d.page.Run.Request != nil)
			d.looks()
			for night := range 4 {
				d.say("- night %d", night)
				d.Disturb(0, steptest.Disturbance{})
				d.rounds()
				d.say("  %d calls", len(d.Calls()))
				d.looks()
				d.restored()
				time.Sleep(pick(d, 24*time.Hour, 24*time.Hour, 80*time.Hour))
			}
			said = d.log.String()
		})
		return said
	})
}

// restored has a person take an image back out of the Recycle Bin, now and then.
func (d *drawn) restored() {
	if !d.odds(3) {
		return
	}
	bin, err := d.EC2.ListImagesInRecycleBin(d.Context(), &sdk.ListImagesInRecycleBinInput{})
	d.Must(err)
	if len(bin.Images) == 0 {
		return
	}
	snapshots, err := d.EC2.ListSnapshotsInRecycleBin(d.Context(), &sdk.ListSnapshotsInRecycleBinInput{})
	d.Must(err)
	for _, s := range snapshots.Snapshots {
		_, err := d.EC2.RestoreSnapshotFromRecycleBin(d.Context(),
			&sdk.RestoreSnapshotFromRecycleBinInput{SnapshotId: s.SnapshotId})
		d.Must(err)
	}
	_, err = d.EC2.RestoreImageFromRecycleBin(d.Context(),
		&sdk.RestoreImageFromRecycleBinInput{ImageId: bin.Images[0].ImageId})
	d.Must(err)
	d.say("- a person restores an image")
	d.looks()
}
