package retire_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/plan"
	"goldsmith/shared/retention"
	"goldsmith/shared/tag"
	"goldsmith/shared/usage"
	"goldsmith/test/steptest"
)

// reviewer looks at what the stage has.
func reviewer(s *steptest.Stage) retention.Reviewer {
	return retention.Reviewer{
		EC2: s.EC2, Ledger: s.Ledger, Lineages: lineage.Finder{EC2: s.EC2, Groups: s.AutoScaling}, Now: time.Now,
		Usage: usage.Finder{EC2: s.EC2, AutoScaling: s.AutoScaling, SSM: s.SSM},
	}
}

// keepsOne keeps one image of each history.
var keepsOne = plan.Plan{Name: "nightly", Keep: plan.Keep{Last: 1, Minimum: 1, Grace: plan.Duration(time.Hour)}}

// looked is what becomes of the stage's images.
func looked(s *steptest.Stage, scope retention.Scope) retention.Review {
	s.Helper()
	o, err := reviewer(s).Look(s.Context(), keepsOne, scope)
	s.Must(err)
	return o
}

// goodOf is a good image of a source under a name, registered when it was made.
func goodOf(s *steptest.Stage, source, name string, tags map[string]string, edit ...func(*ledger.Registration)) string {
	s.Helper()
	now := time.Now()
	called := fmt.Sprintf("%s/%s/%d", source, name, now.UnixNano())
	id := s.Cloud.SeedImage(called, now, tags)
	r := ledger.Registration{Lineage: source, Source: source, Name: name, Plan: "nightly", Run: called, AMIName: called,
		ID: id, Begun: now, Good: true}
	for _, e := range edit {
		e(&r)
	}
	registered(s, r)
	time.Sleep(time.Minute)
	return id
}

func ours(source string) map[string]string {
	return map[string]string{tag.Managed: "true", tag.Plan: "nightly", tag.Source: source}
}

// Images that people have taken the tags off are asked for by their ids, however many there are.
func TestUntaggedImagesAreFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		for range 201 {
			goodOf(s, "i-0123456789abcdef0", "web", map[string]string{tag.Source: "i-0123456789abcdef0"})
		}
		s.Same("found", len(looked(s, retention.Scope{}).Images), 201)
	})
}

// A retired image that is there again counts as had back only if EC2's facts are those that were registered.
func TestHadBackByItsFacts(t *testing.T) {
	for name, c := range map[string]struct {
		called string
		back   int
	}{"the same": {"", 1}, "another of its id": {"another", 0}} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			const source = "i-0123456789abcdef0"
			id := goodOf(s, source, "web", ours(source), func(r *ledger.Registration) {
				if c.called != "" {
					r.AMIName = c.called
				}
			})
			for r, err := range s.Ledger.Kept.Registrations(s.Context(), "") {
				s.Must(err)
				s.Must(s.Ledger.Kept.Retire(s.Context(), r, time.Now()))
			}
			o := looked(s, retention.Scope{})
			s.Same(name, []int{len(o.Back), len(o.Images), len(o.Decisions)}, []int{c.back, 0, 0})
			s.Same("shown", o.Shown[id], true)
		})
	}
}

// Test instances that are registered under the plan are no images of it.
func TestTestInstancesAreNoImages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		_, err := s.Ledger.Kept.Register(s.Context(), ledger.Registration{
			Kind: ledger.MadeTest, Call: ledger.RunInstances, Lineage: s.Web, Plan: "nightly", Token: "t", ID: s.Web,
			Begun: time.Now(),
		})
		s.Must(err)
		s.Same("registered images", len(looked(s, retention.Scope{}).Registered), 0)
	})
}

// Whose a name is has to be read before images of ended sources are judged together.
func TestAnOwnerThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		for _, source := range []string{"i-0123456789abcdef0", "i-0123456789abcdef1"} {
			goodOf(s, source, "web", ours(source))
		}
		s.Ledger.Break("Owner", steptest.Attempts)
		if _, err := reviewer(s).Look(s.Context(), keepsOne, retention.Scope{}); err == nil {
			s.Error("images are judged all the same")
		}
	})
}

// When nothing can be found out about uses every image stays, and each says why.
func TestBlindKeepsEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		for range 4 {
			goodOf(s, s.Web, "web", ours(s.Web))
		}
		s.Refuse("DescribeLaunchConfigurations", "AccessDenied", 1)
		o := looked(s, retention.Scope{})
		s.Same("blind", o.Blind != nil, true)
		kept, why := 0, []string{"something that could not be found out"}
		for _, d := range o.Decisions {
			if d.Step == retention.InUse && slices.Equal(d.Why, why) && d.Due.IsZero() {
				kept++
			}
		}
		s.Same("kept blindly", kept, 3)
	})
}

// A disabled image goes on its way, though a person has taken its deprecation back.
func TestADisabledImageGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		old := goodOf(s, s.Web, "web", ours(s.Web))
		goodOf(s, s.Web, "web", ours(s.Web))
		_, err := s.EC2.DisableImage(s.Context(), &sdk.DisableImageInput{ImageId: aws.String(old)})
		s.Must(err)
		s.Must(s.Ledger.Kept.PutRetirement(s.Context(), job.Retirement{
			Plan: "nightly", Subject: old, Status: job.Disabled, Since: time.Now(), At: time.Now(),
		}))
		time.Sleep(2 * time.Hour)
		for _, d := range looked(s, retention.Scope{}).Decisions {
			if d.ID == old {
				s.Same("step", d.Step, retention.Retire)
			}
		}
	})
}

// A page takes whole histories: as many as it needs, and no more than asked.
func TestPagesOfHistories(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		for _, name := range []string{"a", "b", "c"} {
			source := s.Launch(name, nil)
			for range 3 {
				goodOf(s, source, name, ours(source))
			}
		}
		for _, c := range []struct {
			most, decisions int
			more            bool
		}{{0, 9, false}, {1, 3, true}, {2, 3, true}, {3, 6, true}, {5, 9, false}} {
			o := looked(s, retention.Scope{Most: c.most})
			s.Same(fmt.Sprint("at most ", c.most), []any{len(o.Decisions), o.More}, []any{c.decisions, c.more})
		}
		var pages []int
		for scope := (retention.Scope{Most: 1}); ; {
			o := looked(s, scope)
			pages = append(pages, len(o.Decisions))
			if scope.After = o.Cursor; !o.More {
				break
			}
		}
		s.Same("pages", pages, []int{3, 3, 3})
	})
}

// What cannot be read of a source's wish keeps all of its images, whether they have a tag of their own or not.
func TestAWishThatCannotBeRead(t *testing.T) {
	for _, own := range []string{"", "daily=7", "nonsense"} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			tags := ours(s.Web)
			if own != "" {
				tags[tag.Keep] = own
			}
			for range 3 {
				goodOf(s, s.Web, "web", tags, func(r *ledger.Registration) { r.Keep = aws.String("daily=many") })
			}
			for _, d := range looked(s, retention.Scope{}).Decisions {
				s.Same("with the tag "+own, []any{d.Going(), d.Problem != ""}, []any{false, true})
			}
		})
	}
}

// Of sources that have ended the one that has the name, those that had it, and those that only went by it are judged
// apart from each other.
func TestEndedSourcesOfOneName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		ids := []string{"i-0123456789abcdef0", "i-0123456789abcdef1", "i-0123456789abcdef2", "i-0123456789abcdef3"}
		for _, source := range ids {
			for range 2 {
				goodOf(s, source, "web", ours(source))
			}
		}
		_, err := s.Ledger.Kept.PutOwner(s.Context(),
			ledger.Owner{Name: "web", Lineage: ids[0], Former: ids[1:3], At: time.Now()})
		s.Must(err)
		stays := map[string]int{}
		for _, d := range looked(s, retention.Scope{}).Decisions {
			if !d.Going() {
				stays[d.Source]++
			}
		}
		s.Same("stay", stays, map[string]int{ids[0]: 1, ids[2]: 1, ids[3]: 1})
	})
}

// An image that is disabled cannot be launched: it is no current image, and none goes for it.
func TestADisabledImageIsNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		older := goodOf(s, s.Web, "web", ours(s.Web))
		newest := goodOf(s, s.Web, "web", ours(s.Web))
		_, err := s.EC2.DisableImage(s.Context(), &sdk.DisableImageInput{ImageId: aws.String(newest)})
		s.Must(err)
		for _, d := range looked(s, retention.Scope{}).Decisions {
			s.Same(d.ID+" goes", d.Going(), false)
			s.Same(d.ID+" is good", d.Good, d.ID == older)
		}
	})
}

// A claim holds the images of its own run, and none of its source's older ones.
func TestAClaimHoldsItsOwnImage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		for range 3 {
			goodOf(s, s.Web, "web", ours(s.Web))
		}
		s.Hold(ledger.Claim{Source: s.Web, Run: "nightly-20000101T003000Z", Plan: "nightly", Since: time.Now()})
		going := 0
		for _, d := range looked(s, retention.Scope{}).Decisions {
			s.Same(d.ID+" is held", d.Held, "")
			if d.Going() {
				going++
			}
		}
		s.Same("going", going, 2)
	})
}

// Images of another plan, and results that cannot be read.
func TestWhatIsNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		goodOf(s, s.Web, "web", ours(s.Web))
		goodOf(s, s.Web, "web", ours(s.Web), func(r *ledger.Registration) { r.Plan = "weekly" })
		o := looked(s, retention.Scope{})
		s.Same("of the plan", []int{len(o.Registered), len(o.Decisions)}, []int{1, 1})
		goodOf(s, s.Web, "web", ours(s.Web), func(r *ledger.Registration) { r.Good = false })
		s.Ledger.Break("Results", steptest.Attempts)
		if _, err := reviewer(s).Look(s.Context(), keepsOne, retention.Scope{}); err == nil {
			s.Error("images are judged without their results")
		}
	})
}

// What is registered before its creating call was answered has no id, and none is asked for.
func TestARegistrationWithoutAnIDIsNotLookedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		registered(s, ledger.Registration{Lineage: s.Web, Source: s.Web, Name: "web", Plan: "nightly", Run: "tonight",
			AMIName: "pending", Begun: time.Now()})
		s.Same("decisions", len(looked(s, retention.Scope{}).Decisions), 0)
		for _, form := range s.Sent("DescribeImages") {
			for key, values := range form {
				s.Same(key, slices.Contains(values, "") || slices.Contains(values, "image-id"), false)
			}
		}
	})
}
