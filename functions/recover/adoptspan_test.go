package recovery_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	recovery "goldsmith/functions/recover"
	"goldsmith/shared/event"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// createdBy is an image of instance Web that a run of plan nightly calls its own by its name and its tags.
func createdBy(s *steptest.Stage, run string, created time.Time) {
	s.Cloud.SeedImage("goldsmith/web/"+s.Web+"/"+run, created, map[string]string{
		tag.Managed: "true", tag.Source: s.Web, tag.Name: "web", tag.Plan: "nightly", tag.Run: run,
	})
}

// What Step Functions says of a run decides whether an image can be of it: one that was created before it began or
// after it ended is another's, and so is that of a run of another plan.
func TestAnImageIsOfARunThatWentOn(t *testing.T) {
	const run = "request-i-1-v4"
	for name, c := range map[string]struct {
		plan    string
		created time.Duration // since the run began; it went on for an hour
		why     string
	}{
		"while it went on":     {plan: "nightly", created: 10 * time.Minute},
		"as it began":          {plan: "nightly"},
		"as it ended":          {plan: "nightly", created: time.Hour},
		"a second before":      {plan: "nightly", created: -time.Second, why: "while its run did not go on"},
		"a second later":       {plan: "nightly", created: time.Hour + time.Second, why: "created on 2000-01-01T01:00:01Z"},
		"a run of another one": {plan: "weekly", created: time.Minute, why: "was not of plan nightly"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				began := time.Now()
				out, err := s.SFN.StartExecution(s.Context(), &sfn.StartExecutionInput{
					StateMachineArn: aws.String(steptest.Machine), Name: aws.String(run),
					Input: aws.String(fmt.Sprintf(`{"run":{"name":%q,"plan":%q}}`, run, c.plan)),
				})
				s.Must(err)
				time.Sleep(time.Hour)
				s.Abort(aws.ToString(out.ExecutionArn))
				createdBy(s, run, began.Add(c.created))
				a, err := account(s, nightlyOf(s)).Handle(s.Context(), asking(s, event.Adopt{All: true, By: "ada"}))
				s.Must(err)
				why := a.Adopted.Images[0].Why
				s.Same("adopted", why == "", c.why == "")
				s.Same("why not: "+why, strings.Contains(why, c.why), true)
			})
		})
	}
}

// A scheduled run that Step Functions has forgotten went on for five days at most from when it was due.
func TestAnImageOfAForgottenRun(t *testing.T) {
	const most = 5 * 24 * time.Hour
	for age, adopted := range map[time.Duration]bool{-time.Second: false, 0: true, most: true, most + time.Second: false} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			due := time.Now()
			time.Sleep(2 * most)
			createdBy(s, job.RunName("nightly", due), due.Add(age))
			a, err := account(s, nightlyOf(s)).Handle(s.Context(), asking(s, event.Adopt{All: true, By: "ada"}))
			s.Must(err)
			s.Same("created after "+age.String()+": "+a.Adopted.Images[0].Why, a.Adopted.Images[0].Why == "", adopted)
		})
	}
}

// A run whose name is none has no execution, whatever Step Functions calls that; any other refusal is an error.
func TestARunThatStepFunctionsRefuses(t *testing.T) {
	for code, fails := range map[string]bool{"InvalidArn": false, "ValidationException": false,
		"AccessDeniedException": true} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			createdBy(s, "any name", time.Now())
			s.Refuse("DescribeExecution", code, 1)
			a, err := account(s, nightlyOf(s)).Handle(s.Context(), asking(s, event.Adopt{All: true, By: "ada"}))
			s.Same(code+" is an error", err != nil, fails)
			if err == nil {
				s.Same("why not", a.Adopted.Images[0].Why, "nothing but its tags says that there was a run any name")
			}
		})
	}
}

// Of each image that is named something is said, also of those that EC2 does not show.
func TestAdoptSaysSomethingOfEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		missing := []string{"ami-00000000000000001", "ami-00000000000000002"}
		id := s.Cloud.SeedImage("by hand", time.Now(), nil)
		a, err := account(s, nightlyOf(s)).Handle(s.Context(),
			asking(s, event.Adopt{Images: append(missing, id), By: "ada"}))
		s.Must(err)
		said := map[string]string{}
		for _, c := range a.Adopted.Images {
			said[c.ID] = c.Why
		}
		const gone = "EC2 shows no such image of this account and Region"
		s.Same("said", said, map[string]string{missing[0]: gone, missing[1]: gone,
			id: "it does not carry the tag goldsmith:managed=true"})
		for _, form := range s.Sent("DescribeSnapshots") {
			s.Same("asked by", form.Get("Filter.1.Name"), "snapshot-id")
		}
	})
}

// rootless is an EC2 that shows images without volumes.
type rootless struct{ *sdk.Client }

func (r rootless) DescribeImages(
	ctx context.Context, in *sdk.DescribeImagesInput, o ...func(*sdk.Options),
) (*sdk.DescribeImagesOutput, error) {
	out, err := r.Client.DescribeImages(ctx, in, o...)
	for n := range out.Images {
		out.Images[n].BlockDeviceMappings = nil
	}
	return out, err
}

// An image that was made of no snapshot has none to ask about.
func TestAdoptWithoutSnapshots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		id := s.Cloud.SeedImage("by hand", time.Now(), nil)
		a := accountOf(s, nightlyOf(s))
		a.EC2 = rootless{s.EC2}
		_, err := recovery.New(a).Handle(s.Context(), asking(s, event.Adopt{Images: []string{id}, By: "ada"}))
		s.Must(err)
		s.Same("asked about snapshots", len(s.Sent("DescribeSnapshots")), 0)
	})
}

// A call that is denied is the error of adopting; asked again it adopts what it left. What it could not settle the next
// sweep does.
func TestAdoptWithACallDenied(t *testing.T) {
	steptest.Each[json.RawMessage, recovery.Answer]{
		Scene: func(s *steptest.Stage) (handler.Func[json.RawMessage, recovery.Answer], json.RawMessage) {
			for range 2 {
				createdBy(s, job.RunName("nightly", time.Now()), time.Now().Add(time.Minute))
				time.Sleep(24 * time.Hour)
			}
			s.Cloud.SeedImage("registered", time.Now(), map[string]string{tag.Managed: "true", tag.Plan: "nightly"})
			return adopting(s)
		},
		Noticed: func(s *steptest.Stage, call string, err error, a recovery.Answer) {
			if err == nil {
				s.Errorf("%s was denied, and it is told nowhere: %+v", call, a.Adopted)
			}
		},
		End: func(s *steptest.Stage) string {
			s.Helper()
			return strings.ReplaceAll(strings.Join(inRegister(s), "\n"), "\nunsettled web", "")
		},
	}.Play(t)
}
