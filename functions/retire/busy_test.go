package retire_test

import (
	"context"
	"iter"
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
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// Whatever is busy, the round ends with an error that has it tried again.
func TestBusyIsAnErrorOfEachStep(t *testing.T) {
	busy := func(s *steptest.Stage, action string) {
		s.Cloud.Inject(ec2.Fault{Action: action, Code: "RequestLimitExceeded"})
	}
	for name, given := range map[string]func(s *steptest.Stage, due string, page *job.Batch){
		"taking back a deprecation": func(s *steptest.Stage, due string, page *job.Batch) {
			deprecated(s, due, time.Hour)
			page.Plan.Keep.Last = 2
			busy(s, "DisableImageDeprecation")
		},
		"taking back the deprecation of what is in use": func(s *steptest.Stage, due string, _ *job.Batch) {
			deprecated(s, due, time.Hour)
			s.Launch("user", nil, func(in *sdk.RunInstancesInput) { in.ImageId = aws.String(due) })
			busy(s, "DisableImageDeprecation")
		},
		"deprecating": func(s *steptest.Stage, _ string, _ *job.Batch) { busy(s, "EnableImageDeprecation") },
		"disabling": func(s *steptest.Stage, due string, page *job.Batch) {
			deprecated(s, due, 72*time.Hour)
			page.Plan.Keep.Disable = true
			busy(s, "DisableImage")
		},
		"deregistering": func(s *steptest.Stage, due string, _ *job.Batch) {
			deprecated(s, due, 72*time.Hour)
			busy(s, "DeregisterImage")
		},
		"looking into the Recycle Bin": func(s *steptest.Stage, due string, _ *job.Batch) {
			deprecated(s, due, 72*time.Hour)
			busy(s, "ListImagesInRecycleBin")
		},
		"writing down that snapshots are left": func(s *steptest.Stage, due string, _ *job.Batch) {
			deprecated(s, due, 72*time.Hour)
			boots(s, snapshotsOf(s, due)[0])
			s.Ledger.Break("Amend", 1)
		},
		"writing down that it is disabled": func(s *steptest.Stage, due string, page *job.Batch) {
			deprecated(s, due, 72*time.Hour)
			page.Plan.Keep.Disable = true
			s.Ledger.Break("PutRetirement", 1)
		},
		"looking for snapshots without an image": func(s *steptest.Stage, due string, _ *job.Batch) {
			byHand(s, due)
			misses(s, due, 72*time.Hour)
			busy(s, "DescribeSnapshots")
		},
		"looking into the Recycle Bin before a snapshot goes": func(s *steptest.Stage, due string, _ *job.Batch) {
			byHand(s, due)
			misses(s, due, 72*time.Hour)
			busy(s, "ListImagesInRecycleBin")
		},
		"registering an image anew that somebody had back": func(s *steptest.Stage, due string, _ *job.Batch) {
			misses(s, due, time.Hour)
			s.Ledger.Break("Amend", 1)
		},
		"settling it then": func(s *steptest.Stage, due string, _ *job.Batch) {
			misses(s, due, time.Hour)
			s.Ledger.Break("Settle", 1)
		},
		"writing down that it begins anew": func(s *steptest.Stage, due string, _ *job.Batch) {
			misses(s, due, time.Hour)
			s.Ledger.Break("PutRetirement", 1)
		},
		"looking whether an image is gone": func(s *steptest.Stage, due string, _ *job.Batch) {
			byHand(s, due)
			misses(s, due, 72*time.Hour)
			busy(s, "DescribeImageAttribute")
		},
		"looking whether what was begun is done": func(s *steptest.Stage, _ string, _ *job.Batch) {
			const begun = "ami-0123456789abcdef0"
			s.Must(s.Ledger.Kept.PutRetirement(s.Context(), job.Retirement{
				Plan: "nightly", Subject: begun, Name: "web", Run: "before", Status: job.Retiring, At: time.Now(),
			}))
			s.Cloud.Inject(ec2.Fault{Action: "DescribeImageAttribute", Resource: begun, Code: "RequestLimitExceeded"})
		},
		"ending a registration": func(s *steptest.Stage, due string, _ *job.Batch) {
			deprecated(s, due, 72*time.Hour)
			s.Ledger.Break("Retire", 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				var due string
				step, page := aged(&due)(s)
				given(s, due, &page)
				if _, err := step(s.Context(), page); !fault.IsTransient(err) {
					s.Errorf("the round ends with %v", err)
				}
			})
		})
	}
}

// boots has an image of a person boot from a snapshot.
func boots(s *steptest.Stage, snapshot string) {
	s.Helper()
	_, err := s.EC2.RegisterImage(s.Context(), &sdk.RegisterImageInput{
		Name: aws.String("of " + snapshot), RootDeviceName: aws.String("/dev/xvda"),
		Architecture: types.ArchitectureValuesX8664,
		BlockDeviceMappings: []types.BlockDeviceMapping{
			{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{SnapshotId: aws.String(snapshot)}},
		},
	})
	s.Must(err)
}

// newer is a ledger in which a newer version has written every registration.
type newer struct{ *steptest.Ledger }

func (l newer) Registrations(ctx context.Context, lineage string) iter.Seq2[ledger.Registration, error] {
	return func(yield func(ledger.Registration, error) bool) {
		for r, err := range l.Ledger.Registrations(ctx, lineage) {
			if r.Schema = ledger.RegisterSchema + 1; !yield(r, err) {
				return
			}
		}
	}
}

func (l newer) Retire(context.Context, ledger.Registration, time.Time) error {
	return &ledger.NewerError{}
}

// What a newer version has registered is left to it, though its image is gone and nothing is left of it.
func TestWhatANewerVersionRegisteredIsNotMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		var due string
		_, page := aged(&due)(s)
		snapshot := snapshotsOf(s, due)[0]
		byHand(s, due)
		_, err := s.EC2.DeleteSnapshot(s.Context(), &sdk.DeleteSnapshotInput{SnapshotId: &snapshot})
		s.Must(err)
		reviews := reviewer(s)
		reviews.Ledger = newer{s.Ledger}
		_, err = retire.Step{Reviewer: reviews, EC2: s.EC2, Ledger: newer{s.Ledger}, Now: time.Now}.Handle(s.Context(), page)
		s.Must(err)
		s.Same("told", status(s, due), "")
	})
}

// A template of which no version may be deleted is told, and keeps none of the others.
func TestPruningGoesOnWithTheNextTemplate(t *testing.T) {
	var all []string
	rounds(t, func(s *steptest.Stage, due string, _ *answers) retire.Ledger {
		all = []string{template(s, "t-a", due, ec2.ImageX86), template(s, "t-b", due, ec2.ImageX86)}
		slices.Sort(all)
		s.Cloud.Inject(ec2.Fault{Action: "DeleteLaunchTemplateVersions", Nth: []int{1}, Code: "UnauthorizedOperation"})
		return s.Ledger
	}, func(s *steptest.Stage, _ string, err error) {
		s.Must(err)
		s.Same("told", strings.HasPrefix(status(s, all[0]), "stuck: pruning the versions of it failed"), true)
		s.Same("versions", []any{len(versions(s, all[0])), len(versions(s, all[1]))}, []any{2, 1})
	})
}

// Each image that a version of it names is ended once that can be deleted, not before.
func TestATemplateOfTwoImagesIsPrunedLater(t *testing.T) {
	var second string
	rounds(t, func(s *steptest.Stage, due string, _ *answers) retire.Ledger {
		second = of(s, "db", 9)
		deprecated(s, second, 72*time.Hour)
		template(s, "fleet", due, second, ec2.ImageX86)
		s.Cloud.Inject(ec2.Fault{Action: "DeleteLaunchTemplateVersions", Nth: []int{1}, Code: "UnauthorizedOperation"})
		return s.Ledger
	}, func(s *steptest.Stage, due string, err error) {
		s.Must(err)
		for _, id := range []string{due, second} {
			s.Same("status", record(s, id).Status, job.Retiring)
			s.Same("templates to prune", len(record(s, id).Templates), 1)
			s.Same("registered", registrationOf(s, id).Retired.IsZero(), true)
		}
	})
}
