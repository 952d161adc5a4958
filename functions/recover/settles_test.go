package recovery_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/local/ec2"
	"goldsmith/shared/event"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// sweeps sweeps once.
func sweeps(s *steptest.Stage) {
	s.Helper()
	_, err := account(s, nightlyOf(s)).Handle(s.Context(), s.Sample("sweep"))
	s.Must(err)
}

// open are the registrations that are not settled.
func open(s *steptest.Stage) (names []string) {
	s.Helper()
	for r, err := range s.Ledger.Kept.Unsettled(s.Context()) {
		s.Must(err)
		names = append(names, r.AMIName)
	}
	return names
}

// there is whether EC2 shows an image.
func there(s *steptest.Stage, id string) bool {
	s.Helper()
	out, err := s.EC2.DescribeImages(s.Context(), &sdk.DescribeImagesInput{Owners: []string{"self"}})
	s.Must(err)
	for _, i := range out.Images {
		if aws.ToString(i.ImageId) == id {
			return true
		}
	}
	return false
}

// The result of a job that names another image stays that image's, whatever becomes of the one that is left over.
func TestTheResultIsAnothersImage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		const other = "ami-0123456789abcdef0"
		id := unsettled(s, "cut-off", job.Result{})
		s.Must(s.Ledger.Kept.PutResult(s.Context(), job.Result{
			Run: "cut-off", Source: s.Web, Name: "web", Ending: job.Imaged, At: time.Now(),
			Image: job.Image{ID: other, State: "available"},
		}))
		time.Sleep(3 * time.Hour)
		sweeps(s)
		s.Same("the one that is left over", there(s, id), false)
		r := s.Results("cut-off")[0]
		s.Same("result", []string{r.Image.ID, r.Image.State}, []string{other, "available"})
	})
}

// What a person had back, or adopted, is settled and stays, also without the result of a job.
func TestWhatAPersonWantsStays(t *testing.T) {
	for name, edit := range map[string]func(r *ledger.Registration){
		"had back": func(r *ledger.Registration) { r.Anew = time.Now() },
		"adopted":  func(r *ledger.Registration) { r.Adopted = "ada" },
	} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			id := unsettled(s, "cut-off", job.Result{Ending: job.Broken})
			r, _, err := s.Ledger.Kept.Registration(s.Context(), id)
			s.Must(err)
			edit(&r)
			_, err = s.Ledger.Kept.Amend(s.Context(), r)
			s.Must(err)
			time.Sleep(3 * time.Hour)
			sweeps(s)
			s.Same(name, []any{there(s, id), len(open(s))}, []any{true, 0})
		})
	}
}

// What was to be removed and is there afterwards goes with the next sweep where EC2 had refused that, as when it is
// busy or protects the image; where its answer was lost, or it failed inside, a person may have had it back.
func TestAnImageThatIsThereAfterItsRemoval(t *testing.T) {
	for code, stays := range map[string]bool{
		"RequestLimitExceeded": false, "UnauthorizedOperation": false, "OperationNotPermitted": false,
		"IncorrectState": false,
		"InternalError":  true, "ServerInternal": true, "Unavailable": true,
	} {
		t.Run(code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				id := unsettled(s, "cut-off", job.Result{Ending: job.Broken})
				time.Sleep(3 * time.Hour)
				s.Cloud.Inject(ec2.Fault{Action: "DeregisterImage", Code: code, Until: time.Now().Add(10 * time.Minute)})
				_, _ = account(s, nightlyOf(s)).Handle(s.Context(), s.Sample("sweep")) // it may fail
				time.Sleep(20 * time.Minute)
				sweeps(s)
				s.Same("the image is there, and settled", []any{there(s, id), len(open(s))}, []any{stays, 0})
			})
		})
	}
}

// An image that others have deregistered and had back stays and begins anew, though its job had failed; one whose job
// ended well stays, too, and counts.
func TestAnImageThatWasGoneAndIsBack(t *testing.T) {
	for state, good := range map[string]bool{job.Unproven: false, "available": true} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			s.Cloud.SetRecycleBin(24 * time.Hour)
			id := unsettled(s, "cut-off", job.Result{Ending: job.Broken, Image: job.Image{State: state}})
			time.Sleep(2 * time.Hour)
			_, err := s.EC2.DeregisterImage(s.Context(), &sdk.DeregisterImageInput{ImageId: &id})
			s.Must(err)
			sweeps(s)
			_, err = s.EC2.RestoreImageFromRecycleBin(s.Context(), &sdk.RestoreImageFromRecycleBinInput{ImageId: &id})
			s.Must(err)
			for range 3 {
				time.Sleep(11 * time.Hour)
				sweeps(s)
			}
			r, _, err := s.Ledger.Kept.Registration(s.Context(), id)
			s.Must(err)
			s.Same(state, []any{there(s, id), len(open(s)), r.Good, r.Anew.IsZero()}, []any{true, 0, good, good})
		})
	}
}

// An image that was registered and never made ends its registration once no run can come back to it; one that has an
// id and is gone is looked at no more, and stays registered for the next run that retires.
func TestRegisteredAndNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		for name, id := range map[string]string{"never made": "", "gone": "ami-0123456789abcdef0"} {
			_, err := s.Ledger.Kept.Register(s.Context(), ledger.Registration{
				Kind: ledger.MadeImage, Call: ledger.CreateImage, Lineage: s.Web, Source: s.Web, Name: "web", Plan: "nightly",
				Run: steptest.RunName, AMIName: name, ID: id, Begun: time.Now(),
			})
			s.Must(err)
		}
		time.Sleep(5*24*time.Hour - time.Minute)
		sweeps(s)
		s.Same("open for five days", len(open(s)), 2)
		time.Sleep(2 * time.Minute)
		sweeps(s)
		s.Same("open", len(open(s)), 0)
		var kept []string
		for r, err := range s.Ledger.Kept.Registrations(s.Context(), "") {
			s.Must(err)
			kept = append(kept, r.AMIName)
		}
		s.Same("registered", kept, []string{"gone"})
	})
}

// An image of a plan that tests its images is not adopted unseen when nothing says any more whether it passed.
func TestAdoptOfATestedPlan(t *testing.T) {
	for _, tests := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			run := job.RunName("nightly", time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
			_, err := s.EC2.CreateImage(s.Context(), &sdk.CreateImageInput{
				InstanceId: aws.String(s.Web), Name: aws.String("goldsmith/web/" + s.Web + "/" + run), NoReboot: aws.Bool(true),
				TagSpecifications: adoptable(s.Web, run),
			})
			s.Must(err)
			time.Sleep(time.Hour)
			s.Plan.Verify.Boot = tests
			a, err := account(s, nightlyOf(s)).Handle(s.Context(), asking(s, event.Adopt{All: true, By: "ada"}))
			s.Must(err)
			s.Same("adopted", a.Adopted.Images[0].Why == "", !tests)
		})
	}
}
