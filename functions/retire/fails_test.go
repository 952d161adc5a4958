package retire_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"goldsmith/functions/retire"
	"goldsmith/local/ec2"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// answers is EC2 with some answers of its own.
type answers struct {
	*sdk.Client
	noTemplates bool
	templates   func(*types.LaunchTemplate)
	deregister  func(*sdk.DeregisterImageOutput)
	bin         []types.ImageRecycleBinInfo // one a page
	// refused is which page of the Recycle Bin is refused, from 1.
	refused int
}

func (a answers) ListImagesInRecycleBin(
	ctx context.Context, in *sdk.ListImagesInRecycleBinInput, o ...func(*sdk.Options),
) (*sdk.ListImagesInRecycleBinOutput, error) {
	if a.bin == nil {
		return a.Client.ListImagesInRecycleBin(ctx, in, o...)
	}
	if a.refused > 0 && len(aws.ToString(in.NextToken)) == a.refused-1 {
		return nil, &smithy.GenericAPIError{Code: "UnauthorizedOperation"}
	}
	page, next := len(aws.ToString(in.NextToken)), aws.String(aws.ToString(in.NextToken)+"x")
	if page == len(a.bin)-1 {
		next = nil
	}
	return &sdk.ListImagesInRecycleBinOutput{Images: a.bin[page : page+1], NextToken: next}, nil
}

func (a answers) DescribeLaunchTemplates(
	ctx context.Context, in *sdk.DescribeLaunchTemplatesInput, o ...func(*sdk.Options),
) (*sdk.DescribeLaunchTemplatesOutput, error) {
	if a.noTemplates {
		return &sdk.DescribeLaunchTemplatesOutput{}, nil
	}
	out, err := a.Client.DescribeLaunchTemplates(ctx, in, o...)
	if err == nil && a.templates != nil {
		a.templates(&out.LaunchTemplates[0])
	}
	return out, err
}

func (a answers) DeregisterImage(
	ctx context.Context, in *sdk.DeregisterImageInput, o ...func(*sdk.Options),
) (*sdk.DeregisterImageOutput, error) {
	out, err := a.Client.DeregisterImage(ctx, in, o...)
	if err == nil && a.deregister != nil {
		a.deregister(out)
	}
	return out, err
}

// moving is a ledger in which another writer changes a registration first.
type moving struct{ *steptest.Ledger }

func (m moving) Amend(_ context.Context, r ledger.Registration) (ledger.Registration, error) {
	return r, &ledger.MovedError{Source: r.Lineage, ID: r.ID}
}

// rounds plays one round beside an image that goes, and gives its error.
func rounds(t *testing.T, given func(s *steptest.Stage, due string, a *answers) retire.Ledger,
	then func(s *steptest.Stage, due string, err error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		var due string
		_, page := aged(&due)(s)
		a := answers{Client: s.EC2}
		deprecated(s, due, 72*time.Hour)
		l := given(s, due, &a)
		_, err := retire.Step{Reviewer: reviewer(s), EC2: a, Ledger: l, Now: time.Now}.Handle(s.Context(), page)
		then(s, due, err)
	})
}

// Each snapshot's own result counts, and each that stays is told.
func TestEverySnapshotsResult(t *testing.T) {
	rounds(t, func(s *steptest.Stage, _ string, a *answers) retire.Ledger {
		a.deregister = func(out *sdk.DeregisterImageOutput) {
			for id, code := range map[string]types.SnapshotReturnCodes{
				"snap-0aaaaaaaaaaaaaaaa": types.SnapshotReturnCodesSuccess, "snap-0bbbbbbbbbbbbbbbb": "internal-error",
				"snap-0cccccccccccccccc": types.SnapshotReturnCodesWarnSkipped,
			} {
				out.DeleteSnapshotResults = append(out.DeleteSnapshotResults,
					types.DeleteSnapshotReturnCode{SnapshotId: aws.String(id), ReturnCode: code})
			}
		}
		return s.Ledger
	}, func(s *steptest.Stage, due string, err error) {
		s.Must(err)
		s.Same("stuck", strings.HasPrefix(status(s, "snap-0bbbbbbbbbbbbbbbb"), "stuck: it stays after its image "+due), true)
		s.Same("skipped", slices.Contains(record(s, due).Why,
			"snapshot snap-0cccccccccccccccc stays, since another image uses it"), true)
		s.Same("gone well", status(s, "snap-0aaaaaaaaaaaaaaaa"), "")
		s.Same("registered on", registrationOf(s, due).Retired.IsZero(), true)
		s.Same("when it goes is said no more", record(s, due).Due.IsZero(), true)
	})
}

// A registration that another writer changes meanwhile is tried again, before anything goes.
func TestARegistrationThatChangesMeanwhile(t *testing.T) {
	rounds(t, func(s *steptest.Stage, due string, _ *answers) retire.Ledger {
		r := registrationOf(s, due)
		r.Snapshots = nil
		_, err := s.Ledger.Kept.Amend(s.Context(), r)
		s.Must(err)
		return moving{s.Ledger}
	}, func(s *steptest.Stage, due string, err error) {
		s.Same("tried again", errors.As(err, new(*fault.NotYet)), true)
		s.Same("image", is(s, due), "deprecated")
	})
}

// AWS that is busy ends the round, whatever it was doing; what is refused for good is written down.
func TestBusyEndsTheRound(t *testing.T) {
	for _, c := range []struct{ call, code, told string }{
		{"DeregisterImage", "RequestLimitExceeded", ""},
		{"DeregisterImage", "UnauthorizedOperation", "stuck: no rule keeps it; deregistering it failed"},
	} {
		rounds(t, func(s *steptest.Stage, _ string, _ *answers) retire.Ledger {
			s.Cloud.Inject(ec2.Fault{Action: c.call, Code: c.code})
			return s.Ledger
		}, func(s *steptest.Stage, due string, err error) {
			s.Same(c.code+" ends it", fault.IsTransient(err), c.told == "")
			s.Same("told", strings.HasPrefix(status(s, due), c.told) || c.told == "", true)
		})
	}
}

// The first step of an image is tried again by the next round when EC2 is busy.
func TestDeprecatingIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		var due string
		step, page := aged(&due)(s)
		s.Cloud.Inject(ec2.Fault{Action: "EnableImageDeprecation", Code: "RequestLimitExceeded"})
		_, err := step(s.Context(), page)
		s.Same("busy", fault.IsTransient(err), true)
		s.Same("image", is(s, due), "available")
	})
}

// What cannot be written down ends the round, also what could not be done.
func TestWhatCannotBeWrittenDown(t *testing.T) {
	rounds(t, func(s *steptest.Stage, _ string, _ *answers) retire.Ledger {
		s.Cloud.Inject(ec2.Fault{Action: "DeregisterImage", Code: "UnauthorizedOperation"})
		return failing{s.Ledger, job.Stuck}
	}, func(s *steptest.Stage, _ string, err error) {
		if err == nil {
			s.Error("a step that failed is not written down, and nothing says so")
		}
	})
}

// failing is a ledger that does not write a status down.
type failing struct {
	*steptest.Ledger
	status job.Status
}

func (f failing) PutRetirement(ctx context.Context, r job.Retirement) error {
	if r.Status == f.status {
		return errors.New("the disk is full")
	}
	return f.Ledger.PutRetirement(ctx, r)
}

// A round that ends what was begun asks EC2 whether each image is gone; not knowing is told, and ends nothing.
func TestEndingWhatCannotBeAsked(t *testing.T) {
	const other = "ami-0123456789abcdef0"
	rounds(t, func(s *steptest.Stage, due string, _ *answers) retire.Ledger {
		byHand(s, due)
		s.Must(s.Ledger.Kept.PutRetirement(s.Context(), job.Retirement{
			Plan: "nightly", Subject: due, Name: "web", Run: "before", Status: job.Retiring, At: time.Now(),
		}))
		s.Must(s.Ledger.Kept.PutRetirement(s.Context(), job.Retirement{
			Plan: "nightly", Subject: other, Name: "web", Run: "before", Status: job.Retiring, At: time.Now(),
		}))
		s.Cloud.Inject(ec2.Fault{Action: "DescribeImageAttribute", Code: "UnauthorizedOperation"})
		return s.Ledger
	}, func(s *steptest.Stage, due string, err error) {
		s.Must(err)
		s.Same("told", strings.HasPrefix(status(s, due), "stuck: asking EC2 for it failed"), true)
		s.Same("the other is told", strings.HasPrefix(status(s, other), "stuck: asking EC2 for it failed"), true)
		s.Same("registered on", registrationOf(s, due).Retired.IsZero(), true)
	})
}

// A sweep that cannot find out what uses snapshots deletes none, and says so. It asks for the registered ones alone.
func TestASweepThatCannotLook(t *testing.T) {
	// The review of the round describes images as well.
	nth := map[string][]int{"DescribeImages": {3}}
	for call, says := range map[string]string{
		"ListImagesInRecycleBin": "looking into the Recycle Bin", "DescribeSnapshots": "looking for",
		"DescribeImages": "looking for images that use them", "": "",
	} {
		rounds(t, func(s *steptest.Stage, due string, _ *answers) retire.Ledger {
			byHand(s, due)
			misses(s, due, 72*time.Hour)
			if call != "" {
				s.Cloud.Inject(ec2.Fault{Action: call, Nth: nth[call], Code: "UnauthorizedOperation",
					Until: time.Now().Add(time.Second)})
			}
			return s.Ledger
		}, func(s *steptest.Stage, _ string, err error) {
			s.Must(err)
			time.Sleep(time.Minute)
			for _, form := range s.Sent("DescribeSnapshots")[:1] {
				s.Same("filter", form.Get("Filter.1.Name"), "snapshot-id")
			}
			if call == "" {
				return
			}
			s.Same(call+" told", strings.Contains(status(s, "snapshots without an image"), says), true)
			s.Same("snapshots", snapshots(s), 2)
		})
	}
}

// The Recycle Bin is read to its last page.
func TestTheBinIsReadToItsEnd(t *testing.T) {
	rounds(t, func(s *steptest.Stage, due string, a *answers) retire.Ledger {
		until := time.Now().Add(7 * 24 * time.Hour)
		a.bin = []types.ImageRecycleBinInfo{
			{ImageId: aws.String("ami-0123456789abcdef0"), RecycleBinExitTime: &until},
			{ImageId: aws.String(due), RecycleBinExitTime: &until},
		}
		return s.Ledger
	}, func(s *steptest.Stage, due string, err error) {
		s.Must(err)
		s.Same("told", slices.ContainsFunc(record(s, due).Why, func(why string) bool {
			return strings.HasPrefix(why, "it lies in the Recycle Bin until ")
		}), true)
	})
}

// A snapshot that stays and cannot be written down ends the round.
func TestASnapshotThatCannotBeWrittenDown(t *testing.T) {
	rounds(t, func(s *steptest.Stage, _ string, a *answers) retire.Ledger {
		a.deregister = func(out *sdk.DeregisterImageOutput) {
			out.DeleteSnapshotResults = []types.DeleteSnapshotReturnCode{
				{SnapshotId: aws.String("snap-0bbbbbbbbbbbbbbbb"), ReturnCode: "internal-error"},
			}
		}
		return failing{s.Ledger, job.Stuck}
	}, func(s *steptest.Stage, _ string, err error) {
		if err == nil {
			s.Error("a snapshot stays, it is not written down, and nothing says so")
		}
	})
}

// What was begun is ended also without a registration, and a registration ends when no snapshot is known of it.
func TestEndingWithoutARegistration(t *testing.T) {
	for _, registered := range []bool{false, true} {
		rounds(t, func(s *steptest.Stage, due string, _ *answers) retire.Ledger {
			r := registrationOf(s, due)
			byHand(s, due)
			if registered {
				r.Snapshots = nil
				_, err := s.Ledger.Kept.Amend(s.Context(), r)
				s.Must(err)
			} else {
				s.Must(s.Ledger.Kept.Retire(s.Context(), r, time.Now()))
			}
			s.Must(s.Ledger.Kept.PutRetirement(s.Context(), job.Retirement{
				Plan: "nightly", Subject: due, Name: "web", Run: "before", Status: job.Retiring, At: time.Now(),
			}))
			return s.Ledger
		}, func(s *steptest.Stage, due string, err error) {
			s.Must(err)
			s.Same("status", record(s, due).Status, job.Retired)
			s.Same("registered no more", registrationOf(s, due).Retired.IsZero(), false)
			s.Same("gone", registrationOf(s, due).Gone.IsZero(), true)
		})
	}
}

// A round takes nothing over of what the page said before.
func TestARoundBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		var due string
		step, page := aged(&due)(s)
		page.Sources, page.Retire.More = []job.Source{{ID: s.Web}}, true
		for _, rules := range []int{0, 1} {
			page.Plan.Keep.Last = rules
			p, err := step(s.Context(), page)
			s.Must(err)
			s.Same("page", []any{len(p.Sources), p.Retire.More}, []any{0, false})
		}
	})
}
