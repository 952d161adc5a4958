package recovery_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	recovery "goldsmith/functions/recover"
	"goldsmith/shared/event"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// adopting is a person who asks to adopt every image.
func adopting(s *steptest.Stage) (handler.Func[json.RawMessage, recovery.Answer], json.RawMessage) {
	return account(s, nightlyOf(s)).Handle, asking(s, event.Adopt{All: true, By: "ada"})
}

func asking(s *steptest.Stage, e event.Adopt) json.RawMessage {
	s.Helper()
	raw, err := e.MarshalJSON()
	s.Must(err)
	return raw
}

// Images that are not registered.
func TestAdopt(t *testing.T) {
	run := job.RunName("nightly", time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
	var id string
	of := func(s *steptest.Stage, source string, edits ...func(tags map[string]string)) string {
		s.Helper()
		tags := map[string]string{tag.Managed: "true", tag.Source: source, tag.Name: "web", tag.Plan: "nightly", tag.Run: run}
		for _, edit := range edits {
			edit(tags)
		}
		out, err := s.EC2.CreateImage(s.Context(), &sdk.CreateImageInput{
			InstanceId: &source, Name: aws.String("goldsmith/web/" + source + "/" + run), NoReboot: aws.Bool(true),
			TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeImage, Tags: tag.List(tags)}},
		})
		s.Must(err)
		time.Sleep(time.Hour)
		return aws.ToString(out.ImageId)
	}
	made := func(s *steptest.Stage, edits ...func(tags map[string]string)) string { return of(s, s.Web, edits...) }
	given := func(more ...func(s *steptest.Stage, in *json.RawMessage)) func(*steptest.Stage, *json.RawMessage) {
		return func(s *steptest.Stage, in *json.RawMessage) {
			id = made(s)
			for _, m := range more {
				m(s, in)
			}
		}
	}
	tagged := func(key, value string) func(*steptest.Stage, *json.RawMessage) {
		return func(s *steptest.Stage, _ *json.RawMessage) {
			id = made(s, func(tags map[string]string) { tags[key] = value })
		}
	}
	result := func(image string, state string) func(*steptest.Stage, *json.RawMessage) {
		return func(s *steptest.Stage, _ *json.RawMessage) {
			if image == "" {
				image = id
			}
			s.Must(s.Ledger.Kept.PutResult(s.Context(),
				job.Result{Run: run, Source: s.Web, Image: job.Image{ID: image, State: state}}))
		}
	}
	known := func(edit func(*ledger.Registration), retired bool) func(*steptest.Stage, *json.RawMessage) {
		return func(s *steptest.Stage, _ *json.RawMessage) {
			r := ledger.Registration{
				Kind: ledger.MadeImage, Call: ledger.CreateImage, Lineage: s.Web, Source: s.Web, Name: "web", Plan: "nightly",
				Run:     run,
				AMIName: "goldsmith/web/" + s.Web + "/" + run, ID: id, Begun: time.Now().Add(-2 * time.Hour),
			}
			edit(&r)
			r, err := s.Ledger.Kept.Register(s.Context(), r)
			s.Must(err)
			if retired {
				s.Must(s.Ledger.Kept.Retire(s.Context(), r, time.Now()))
			}
		}
	}
	byID := func(s *steptest.Stage, in *json.RawMessage) {
		*in = asking(s, event.Adopt{Images: []string{id}, By: "ada"})
	}
	is := func(why string) func(*steptest.Stage, recovery.Answer) {
		return func(s *steptest.Stage, a recovery.Answer) {
			s.Helper()
			s.Same("images", len(a.Adopted.Images), 1)
			s.Same("why not", a.Adopted.Images[0].Why, why)
			r, ok, err := s.Ledger.Kept.Registration(s.Context(), id)
			s.Must(err)
			s.Same("adopted", ok && r.Adopted == "ada" && r.Good, why == "")
			for open, err := range s.Ledger.Kept.Unsettled(s.Context()) {
				s.Must(err)
				s.Same("unsettled, and adopted", open.Adopted, "")
			}
		}
	}
	const (
		looks = "Registrations DescribeImages Claims DescribeAutoScalingInstances DescribeSnapshots"
		all   = looks + " Registration DescribeExecution Results"
		named = "DescribeImages Claims DescribeAutoScalingInstances DescribeSnapshots Registration Register Settle: ok"
	)
	steptest.Play(t, adopting, cases{
		{Name: "of a scheduled run", Given: given(), Want: all +
			" Register Settle: ok | Registrations DescribeImages Claims: ok"},
		{Name: "its run's result is known", Given: given(result("", "available")), Want: all + " Register Settle: ok",
			Then: is("")},
		{
			Name: "two of one run: it is asked about once", Want: all + " Register Settle Registration Register Settle: ok",
			Given: given(func(s *steptest.Stage, _ *json.RawMessage) { of(s, s.Launch("second", nil)) }),
		},
		{
			Name: "a person has disabled it", Want: all + " Register Settle: ok", Then: is(""),
			Given: given(func(s *steptest.Stage, _ *json.RawMessage) {
				_, err := s.EC2.DisableImage(s.Context(), &sdk.DisableImageInput{ImageId: &id})
				s.Must(err)
			}),
		},
		{
			Name: "it failed its test", Given: given(result("", job.Unproven)), Want: all + ": ok",
			Then: is("the result of its run does not count it as good"),
		},
		{
			Name: "its run made another", Given: given(result("ami-0123456789abcdef0", "available")), Want: all + ": ok",
			Then: is("the result of its run does not count it as good"),
		},
		{Name: "of another plan's run", Given: tagged(tag.Plan, "other"), Want: looks +
			" Registration DescribeExecution: ok"},
		{Name: "by another name", Given: tagged(tag.Name, "db"), Want: looks + " Registration: ok"},
		{Name: "without a plan", Given: tagged(tag.Plan, ""), Want: looks + ": ok",
			Then: is("it does not say its plan in the tag goldsmith:plan")},
		{
			Name: "its run goes on", Want: looks + " Registration: ok", Then: is("run " + run + " has it in hand"),
			Given: given(func(s *steptest.Stage, _ *json.RawMessage) { s.Hold(ledger.Claim{Source: s.Web, Run: run}) }),
		},
		{
			Name: "retired, and back from the Recycle Bin", Given: given(known(func(*ledger.Registration) {}, true)),
			Want: looks + " Registration: ok",
			Then: is("it was retired, and restored since: the next run of its plan registers it anew"),
		},
		{
			Name:  "its name is registered without an answer",
			Given: given(known(func(r *ledger.Registration) { r.ID = "" }, false)), Want: all + " Register: ok",
			Then: is("its name is registered already, by a run that goes on or was cut off: the sweep sees to it"),
		},
		{
			Name: "by its id, whatever its run came to", Given: given(result("", job.Unproven), byID), Want: named, Then: is(""),
		},
		{
			Name: "registered already", Given: given(known(func(*ledger.Registration) {}, false), byID),
			Want: "DescribeImages Claims DescribeAutoScalingInstances DescribeSnapshots Registration: ok",
			Then: is("it is registered already"),
		},
		{
			Name: "Step Functions cannot be asked", Want: looks + " Registration DescribeExecution: Failed",
			Given: given(func(s *steptest.Stage, _ *json.RawMessage) {
				s.Refuse("DescribeExecution", "AccessDeniedException", 1)
			}),
		},
		{
			Name: "the images cannot be listed", Want: "Registrations DescribeImages: Failed",
			Given: given(func(s *steptest.Stage, _ *json.RawMessage) { s.Refuse("DescribeImages", "UnauthorizedOperation", 1) }),
		},
		{
			Name:  "cut off after it was registered",
			Given: given(func(s *steptest.Stage, _ *json.RawMessage) { s.Ledger.Break("Settle", 1) }),
			Want:  all + " Register Settle: Transient | Registrations DescribeImages Claims: ok",
		},
	})
}

// A sweep settles what was adopted and not settled. It removes nothing of it, whatever its job came to.
func TestAdoptedIsNoLeftover(t *testing.T) {
	steptest.Play(t, quiet, cases{{
		Name: "its result says that it failed its test",
		Want: "Claims Slots DescribeInstances Unsettled DescribeImages Results Settle ListExecutions Since" + asks + ": ok",
		Given: func(s *steptest.Stage, _ *json.RawMessage) {
			out, err := s.EC2.CreateImage(s.Context(),
				&sdk.CreateImageInput{InstanceId: aws.String(s.Web), Name: aws.String("goldsmith/web"), NoReboot: aws.Bool(true)})
			s.Must(err)
			r := ledger.Registration{
				Kind: ledger.MadeImage, Call: ledger.CreateImage, Lineage: s.Web, Source: s.Web, Name: "web", Plan: "nightly",
				Run:     steptest.RunName,
				AMIName: "goldsmith/web", ID: aws.ToString(out.ImageId), Begun: time.Now(), Good: true, Adopted: "ada",
			}
			_, err = s.Ledger.Kept.Register(s.Context(), r)
			s.Must(err)
			s.Must(s.Ledger.Kept.PutResult(s.Context(),
				job.Result{Run: steptest.RunName, Source: s.Web, Ending: job.Broken,
					Image: job.Image{ID: r.ID, State: job.Unproven}}))
			time.Sleep(48 * time.Hour)
		},
	}})
}
