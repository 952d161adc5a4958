package claim_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/functions/claim"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// pooled marks a source of a plan as down, which EC2 has no room for: it holds back what is of its type and zone.
func pooled(s *steptest.Stage, plan string) {
	s.Helper()
	s.Hold(ledger.Claim{Source: "i-pooled", Name: "db", Run: "other", Plan: plan, StopSent: time.Now(),
		InstanceType: "m5.large", Zone: "elsewhere", Problem: "no room", RefusedBy: "InsufficientInstanceCapacity"})
	_, err := s.Ledger.Kept.Take(s.Context(), ledger.Slot{Plan: ledger.EveryPlan, Kind: ledger.Downs, ID: "i-pooled",
		Source: "i-pooled", Run: "other", Since: time.Now()}, time.Time{})
	s.Must(err)
}

// late claims instance Web after its window, in that world and with that ledger.
func late(t *testing.T, given func(*steptest.Stage), slots func(plan string) error) (out job.Job, failed error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		_, in := fewer(s)
		if given != nil {
			given(s)
		}
		time.Sleep(5 * time.Hour)
		step := claim.Step{EC2: s.EC2, AutoScaling: s.AutoScaling, Ledger: damaged{s.Ledger, slots}, Now: time.Now}
		out, failed = step.Handle(s.Context(), in)
	})
	return out, failed
}

// damaged is a ledger whose list of slots ends with an error.
type damaged struct {
	*steptest.Ledger
	slots func(plan string) error
}

func (d damaged) Slots(ctx context.Context, plan string) iter.Seq2[ledger.Slot, error] {
	return func(yield func(ledger.Slot, error) bool) {
		for slot, err := range d.Ledger.Slots(ctx, plan) {
			if !yield(slot, err) {
				return
			}
		}
		if d.slots != nil && d.slots(plan) != nil {
			yield(ledger.Slot{}, d.slots(plan))
		}
	}
}

// Why a source was not stopped before the window closed is what is down, if that has to do with it.
func TestWhyASourceIsLate(t *testing.T) {
	unread := &ledger.UnreadableError{Record: "slot#" + string(ledger.Places) + "#000000"}
	lost := errors.New("no answer")
	ofPlan := func(err error) func(string) error {
		return func(plan string) error {
			if plan == "nightly" {
				return err
			}
			return nil
		}
	}
	const alone = "has at most 1 down at once"
	web := func(s *steptest.Stage) { down(s, time.Now()) }
	room := func(plan string) func(*steptest.Stage) { return func(s *steptest.Stage) { pooled(s, plan) } }
	for name, c := range map[string]struct {
		given     func(*steptest.Stage)
		slots     func(string) error
		code      job.ReasonCode
		text, not string
		err       error
	}{
		"nothing is down":                {code: job.WindowClosed, not: alone},
		"what is down holds it back":     {given: web, code: job.BreakerOpen, text: "db (i-down)", not: alone},
		"what is down has the place":     {given: room("nightly"), code: job.BreakerOpen, text: alone},
		"what is down is another plan's": {given: room("weekly"), code: job.WindowClosed, not: alone},
		"a place cannot be read":         {slots: ofPlan(unread), code: job.LedgerUnread, text: unread.Record},
		"the places cannot be read":      {slots: ofPlan(lost), err: lost},
	} {
		t.Run(name, func(t *testing.T) {
			j, err := late(t, c.given, c.slots)
			if c.err != nil {
				if !errors.Is(err, c.err) {
					t.Error(err)
				}
				return
			}
			said := fmt.Sprint(*j.Skip)
			if j.Skip.Code != c.code || !strings.Contains(said, c.text) || c.not != "" && strings.Contains(said, c.not) {
				t.Errorf("%+v", j.Skip)
			}
		})
	}
}

// A run without a window has nothing to wait for: what is held back is left alone.
func TestHeldBackWithoutAWindow(t *testing.T) {
	steptest.Play(t, fewer, cases{{
		Name: "at once", Want: looks + " StartInstances DescribeVolumes Slots Claims: ok",
		Then:  skips(job.BreakerOpen, "db (i-down)"),
		Given: func(s *steptest.Stage, in *claim.Input) { in.Job.Run.Closes = time.Time{}; down(s, time.Now()) },
	}})
}

// A snapshot that is pending is waited for since it was first looked at, and not for ever.
func TestAPendingSnapshotIsNotWaitedForForEver(t *testing.T) {
	for since, decision := range map[time.Duration]job.Decision{
		29 * time.Hour: job.WaitFirst, 30 * time.Hour: job.SkipIt,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			step, in := scene(s)
			asked(map[string]string{tag.Request: "nightly"})(s, &in)
			in.Job.Source.ID = pending(s)
			in.Job.Run.Request.Source = in.Job.Source.ID
			in.Job.Turn = &job.Turn{Since: time.Now().UTC().Add(-since)}
			j, err := step(s.Context(), in)
			s.Must(err)
			s.Same("decision", j.Decision, decision)
			s.Same("since", j.Turn == nil || j.Turn.Since.Equal(time.Now().Add(-since)), true)
		})
	}
}

// pending is a snapshot of instance Web that has just been begun.
func pending(s *steptest.Stage) string {
	s.Helper()
	out, err := s.EC2.DescribeInstances(s.Context(), &sdk.DescribeInstancesInput{InstanceIds: []string{s.Web}})
	s.Must(err)
	made, err := s.EC2.CreateSnapshot(s.Context(), &sdk.CreateSnapshotInput{
		VolumeId: out.Reservations[0].Instances[0].BlockDeviceMappings[0].Ebs.VolumeId,
	})
	s.Must(err)
	id := aws.ToString(made.SnapshotId)
	s.Must(s.Cloud.SetTags(id, map[string]string{tag.Request: "nightly"}))
	return id
}

// The claim of a snapshot says that it was looked at. A copy says itself what it is of, which is no volume's lineage,
// and an instance that ends speaks for no snapshot of its volume.
func TestLineagesOfSnapshots(t *testing.T) {
	claimed := func(given func(s *steptest.Stage, in *claim.Input)) (of, volume string) {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			step, in := scene(s)
			asked(map[string]string{tag.Request: "nightly"})(s, &in)
			given(s, &in)
			j, err := step(s.Context(), in)
			s.Must(err)
			held := s.Held(in.Job.Source.ID)
			s.Same("looked", []any{held.Looked, held.Name}, []any{true, j.Source.Name})
			out, err := s.EC2.DescribeSnapshots(s.Context(),
				&sdk.DescribeSnapshotsInput{SnapshotIds: []string{in.Job.Source.ID}})
			s.Must(err)
			of, volume = j.Source.Lineage, aws.ToString(out.Snapshots[0].VolumeId)
		})
		return of, volume
	}
	of, _ := claimed(func(s *steptest.Stage, in *claim.Input) {
		out, err := s.EC2.CopySnapshot(s.Context(), &sdk.CopySnapshotInput{
			SourceRegion: aws.String(steptest.Region), SourceSnapshotId: aws.String(in.Job.Source.ID),
		})
		s.Must(err)
		in.Job.Source.ID = aws.ToString(out.SnapshotId)
		in.Job.Run.Request.Source = in.Job.Source.ID
		s.Must(s.Cloud.SetTags(in.Job.Source.ID, map[string]string{tag.Request: "nightly"}))
		time.Sleep(time.Hour)
	})
	if copied, oneVolume := lineage.Copies(of); !copied || !oneVolume {
		t.Errorf("the copy is of %s", of)
	}
	of, volume := claimed(func(s *steptest.Stage, _ *claim.Input) {
		_, err := s.EC2.TerminateInstances(s.Context(), &sdk.TerminateInstancesInput{InstanceIds: []string{s.Web}})
		s.Must(err)
	})
	if of != volume {
		t.Errorf("the snapshot of an instance that ends is of %s, not of %s", of, volume)
	}
}

// A request waits half an hour for the ledger to know of what is down, and not less.
func TestARequestWaitsForTheLedger(t *testing.T) {
	for since, decision := range map[time.Duration]job.Decision{
		29 * time.Minute: job.WaitFirst, 30 * time.Minute: job.SkipIt,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			step, in := fewer(s)
			lost(s, &in)
			in.Job.Run.Request = &job.Request{Source: s.Web, By: "jo"}
			in.Job.Turn = &job.Turn{Held: true, Since: time.Now().Add(-since)}
			j, err := step(s.Context(), in)
			s.Must(err)
			s.Same("decision", j.Decision, decision)
		})
	}
}

// How many were before a source is said when its turn comes, and its turn counts from when it asked first.
func TestATurnCountsFromItsBeginning(t *testing.T) {
	for first, said := range map[int]string{1: "and 1 was before it", 2: "and 2 were before it"} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			step, in := waiting(s)
			asked := in.Job.Turn.Since
			j, err := step(s.Context(), in)
			s.Must(err)
			s.Same("turn", []time.Time{j.Turn.Since, slots(s, ledger.Turns)[0].Since}, []time.Time{asked, asked})
			free(s)
			in.Job = j
			in.Job.Turn.First = first
			j, err = step(s.Context(), in)
			s.Must(err)
			s.Same("warned", len(j.Warnings) == 1 && strings.HasSuffix(j.Warnings[0].Text, said), true)
		})
	}
}
