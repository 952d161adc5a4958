package security_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	recovery "goldsmith/functions/recover"
	"goldsmith/functions/recover/adoption"
	"goldsmith/functions/retire"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/plan"
	"goldsmith/shared/retention"
	"goldsmith/shared/tag"
	"goldsmith/shared/usage"
	"goldsmith/test/steptest"
)

// world is an account with a few images that Goldsmith made, and with what others made. Its plan keeps one image
// of each source, for an hour of grace.
type world struct {
	*steptest.Stage
	finder usage.Finder
	names  map[string]string    // of Goldsmith's images, by id
	back   map[string]time.Time // when a person had an image back, by id
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Stage: steptest.New(t), names: map[string]string{}}
	w.finder = usage.Finder{EC2: w.EC2, AutoScaling: w.AutoScaling, SSM: w.SSM}
	w.Plan.Keep = plan.Keep{Last: 1, Minimum: 1, Grace: plan.Duration(time.Hour)}
	return w
}

// made is an image that Goldsmith made of instance Web, so many nights ago: registered, and good unless its job failed.
func (w *world) made(nights int, good bool) string {
	w.Helper()
	at, run := time.Now().AddDate(0, 0, -nights), fmt.Sprintf("nightly-%03d", nights)
	name := "goldsmith/web/" + w.Web + "/" + run
	tags := map[string]string{tag.Managed: "true", tag.Plan: "nightly", tag.Name: "web", tag.Source: w.Web, tag.Run: run}
	id := w.Cloud.SeedImage(name, at, tags)
	out, err := w.EC2.DescribeImages(w.Context(), &sdk.DescribeImagesInput{ImageIds: []string{id}})
	w.Must(err)
	r, err := w.Ledger.Kept.Register(w.Context(), ledger.Registration{
		Kind: ledger.MadeImage, Call: ledger.CreateImage, Lineage: w.Web, Source: w.Web, Name: "web", Plan: "nightly",
		Run:     run,
		AMIName: name, ID: id, Begun: at, Snapshots: image.Snapshots(out.Images[0]), Good: good,
	})
	w.Must(err)
	result := job.Result{Run: run, Source: w.Web, Name: "web", Plan: "nightly", Ending: job.Broken, At: at}
	if good {
		w.Must(w.Ledger.Kept.Settle(w.Context(), r))
		result.Ending, result.Image = job.Imaged, job.Image{ID: id, State: "available"}
	}
	w.Must(w.Ledger.Kept.PutResult(w.Context(), result))
	w.names[id] = name
	return id
}

// sweep is a sweep of recover, and then another.
func (w *world) sweep() {
	w.Helper()
	step := w.recover()
	for range 2 {
		raw := w.Sample("sweep")
		_, err := step.Handle(w.Context(), json.RawMessage(raw))
		w.Must(err)
		time.Sleep(10 * time.Minute)
	}
}

func (w *world) recover() recovery.Step {
	return recovery.New(recovery.Account{
		EC2: w.EC2, Executions: w.SFN, Schedules: w.Scheduler, Ledger: w.Ledger, Notifier: w.Notifier(), Usage: w.finder,
		Origins: adoption.Origins{EC2: w.EC2, Groups: w.AutoScaling},
		Plans:   plan.Plans{Default: "nightly", Plans: map[string]plan.Plan{"nightly": w.Plan}},
		Machine: steptest.Machine + ":live", Home: steptest.Home, Now: time.Now,
	})
}

// retire is the end of a night of the plan, all its rounds.
func (w *world) retire(night int) {
	w.Helper()
	reviewer := retention.Reviewer{
		EC2: w.EC2, Ledger: w.Ledger, Lineages: lineage.Finder{EC2: w.EC2, Groups: w.AutoScaling}, Usage: w.finder,
		Now: time.Now,
	}
	step := retire.Step{Reviewer: reviewer, EC2: w.EC2, Ledger: w.Ledger, Now: time.Now}
	page := job.Batch{Run: job.Run{Name: fmt.Sprintf("tonight-%d", night), Plan: "nightly"}, Plan: w.Plan}
	for more := true; more; more = page.Retire.More {
		var err error
		page, err = step.Handle(w.Context(), page)
		w.Must(err)
	}
}

// nights are a week of sweeps and retiring.
func (w *world) nights() {
	w.Helper()
	for night := range 3 {
		w.sweep()
		w.retire(night)
		time.Sleep(48 * time.Hour)
	}
}

// shown is all that EC2 shows of an image, a snapshot or an instance; "gone" when it does not show it.
func (w *world) shown(id string) string {
	w.Helper()
	var all any
	kind, _, _ := strings.Cut(id, "-")
	switch kind {
	case "ami":
		out, err := w.EC2.DescribeImages(w.Context(), &sdk.DescribeImagesInput{
			Owners: []string{"self"}, IncludeDisabled: aws.Bool(true),
			Filters: []types.Filter{{Name: aws.String("image-id"), Values: []string{id}}},
		})
		w.Must(err)
		all = out.Images
	case "snap":
		out, err := w.EC2.DescribeSnapshots(w.Context(), &sdk.DescribeSnapshotsInput{
			Filters: []types.Filter{{Name: aws.String("snapshot-id"), Values: []string{id}}},
		})
		w.Must(err)
		all = out.Snapshots
	default:
		out, err := w.EC2.DescribeInstances(w.Context(), &sdk.DescribeInstancesInput{InstanceIds: []string{id}})
		w.Must(err)
		all = out.Reservations
	}
	text, err := json.Marshal(all)
	w.Must(err)
	if string(text) == "null" || string(text) == "[]" {
		return "gone"
	}
	return string(text)
}

// statuses are what became of Goldsmith's own images: whether they are there, deprecated, and why.
func (w *world) statuses() string {
	w.Helper()
	var lines []string
	for id, name := range w.names {
		line := name + " is there"
		if w.shown(id) == "gone" {
			line = name + " is gone"
		}
		for r, err := range w.Ledger.Kept.Retirements(w.Context(), "nightly") {
			if w.Must(err); r.Subject == id {
				line += fmt.Sprintf(": %s %s", r.Status, strings.Join(r.Why, "; "))
			}
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// counted are the subjects of retiring that are neither Goldsmith's images nor a source's name.
func (w *world) counted() (strangers []string) {
	w.Helper()
	for r, err := range w.Ledger.Kept.Retirements(w.Context(), "nightly") {
		w.Must(err)
		_, ours := w.names[r.Subject]
		snapshot := strings.HasPrefix(r.Subject, "snap-") && w.registered(r.Subject)
		if !ours && !snapshot && r.Subject != "web" {
			strangers = append(strangers, fmt.Sprintf("%s: %s %v", r.Subject, r.Status, r.Why))
		}
	}
	return strangers
}

// registered reports whether a snapshot is registered with its image.
func (w *world) registered(snapshot string) bool {
	w.Helper()
	for r, err := range w.Ledger.Kept.Registrations(w.Context(), "") {
		if w.Must(err); slices.Contains(r.Snapshots, snapshot) {
			return true
		}
	}
	return false
}
