package recovery_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/local/sfn"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// lines are the lines of an error in an order that does not change: a sweep looks at many claims at once.
func lines(err error) string {
	all := strings.Split(err.Error(), "\n")
	slices.Sort(all)
	return strings.Join(all, " | ")
}

// looks writes down what is not as it was, and what is no more.
func (d *drawn) looks() {
	d.Helper()
	now := d.state()
	for _, line := range now {
		if !slices.Contains(d.seen, line) {
			d.say("  + %s", line)
		}
	}
	for _, line := range d.seen {
		if !slices.Contains(now, line) {
			d.say("  - %s", line[:min(len(line), 50)])
		}
	}
	d.seen = now
}

// state is all that recovering may change, a line each.
func (d *drawn) state() (lines []string) {
	d.Helper()
	for _, line := range slices.Concat(d.account(), d.register(), d.ledger()) {
		lines = append(lines, d.short(line))
	}
	return lines
}

// account are instances, images and executions.
func (d *drawn) account() (all []string) {
	d.Helper()
	instances, err := d.EC2.DescribeInstances(d.Context(), &sdk.DescribeInstancesInput{})
	d.Must(err)
	for _, r := range instances.Reservations {
		for _, i := range r.Instances {
			said := fmt.Sprintf("instance %s %s", aws.ToString(i.InstanceId), i.State.Name)
			for _, t := range i.Tags {
				if key := aws.ToString(t.Key); key != "Name" && key != "goldsmith:plan" {
					said += " " + key + "=" + aws.ToString(t.Value)
				}
			}
			all = append(all, said)
		}
	}
	images, err := d.EC2.DescribeImages(d.Context(), &sdk.DescribeImagesInput{Owners: []string{"self"}})
	d.Must(err)
	snapshots, err := d.EC2.DescribeSnapshots(d.Context(), &sdk.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
	d.Must(err)
	for _, i := range images.Images {
		all = append(all, fmt.Sprintf("image %s %s", aws.ToString(i.ImageId), i.State))
	}
	all = append(all, fmt.Sprintf("%d images, %d snapshots", len(images.Images), len(snapshots.Snapshots)))
	var runs []string
	for _, e := range d.States.List(sfn.Filter{}) {
		runs = append(runs, steptest.Timeless(e.Name)+" "+string(e.Status))
	}
	slices.Sort(runs)
	return append(all, "runs: "+strings.Join(runs, ", "))
}

// register is what is registered and not settled, and what is of the images.
func (d *drawn) register() (all []string) {
	d.Helper()
	open := map[string]bool{}
	for r, err := range d.Ledger.Kept.Unsettled(d.Context()) {
		d.Must(err)
		open[r.AMIName+r.Token] = true
	}
	for r, err := range d.Ledger.Kept.Registrations(d.Context(), "") {
		d.Must(err)
		said := fmt.Sprintf("registered %s%s %s", r.AMIName, r.Token, r.ID)
		all = append(all, said+flags(r, open[r.AMIName+r.Token]))
	}
	return all
}

// flags are what is true of a registration.
func flags(r ledger.Registration, unsettled bool) (said string) {
	for _, flag := range []struct {
		is   bool
		word string
	}{{unsettled, "unsettled"}, {r.Good, "good"}, {!r.Gone.IsZero(), "gone"}, {!r.Retired.IsZero(), "retired"},
		{r.Adopted != "", "adopted"}, {len(r.Snapshots) > 0, fmt.Sprint(len(r.Snapshots), " snapshots")}} {
		if flag.is {
			said += " " + flag.word
		}
	}
	return said
}

// ledger is the rest of the ledger.
func (d *drawn) ledger() (all []string) {
	d.Helper()
	for c, err := range d.Ledger.Kept.Claims(d.Context()) {
		d.Must(err)
		all = append(all, "claim "+written(d.Stage, c))
	}
	for s, err := range d.Ledger.Kept.Slots(d.Context(), "") {
		d.Must(err)
		all = append(all, "slot "+written(d.Stage, s))
	}
	for r, err := range d.Ledger.Kept.Requests(d.Context()) {
		d.Must(err)
		r.Revision = ""
		all = append(all, "request "+written(d.Stage, r))
	}
	for _, run := range slices.Concat(runsDrawn, d.more) {
		for _, r := range d.Results(run) {
			all = append(all, "result "+written(d.Stage, r))
		}
		if r, ok, err := d.Ledger.Kept.GetRun(d.Context(), run); ok {
			d.Must(err)
			r.Execution = ""
			all = append(all, "run "+written(d.Stage, r))
		}
	}
	return all
}

// written is a record in few words, without ARNs.
func written(s *steptest.Stage, v any) string {
	text, err := json.Marshal(v)
	s.Must(err)
	said := strings.NewReplacer(executionARN, "", child, "child:", `"`, "", "{", "", "}", "").Replace(string(text))
	return steptest.Timeless(said)
}
