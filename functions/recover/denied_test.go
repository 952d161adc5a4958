package recovery_test

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
	"goldsmith/local/eventbridge"
	"goldsmith/local/sfn"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// cutOff is a night that was cut off in every way: an instance that is down, an image of a job that failed, a whole
// one and one in use, a test instance, a request and a schedule that no run answered, a run that was not told of, and
// slots.
func cutOff(s *steptest.Stage) (handler.Func[json.RawMessage, recovery.Answer], json.RawMessage) {
	s.Plan.Schedule = "cron(0 2 * * ? *)"
	s.Must(s.Bus.Schedule(eventbridge.Schedule{
		Name: "goldsmith-nightly", Group: "goldsmith", Function: "trigger", Input: []byte("{}"),
		Next: func(after time.Time) (time.Time, bool) { return after.Add(24 * time.Hour), true },
	}))
	step := account(s, nightlyOf(s))
	_, err := step.Handle(s.Context(), s.Sample("sweep"))
	s.Must(err)
	clock(s, "2000-01-01T00:10:00Z")
	unsettled(s, "failed", job.Result{Ending: job.Broken})
	unsettled(s, "whole", job.Result{Ending: job.Broken, Times: job.Times{Snapshotted: time.Now()}})
	unsettled(s, "good", job.Result{Ending: job.Imaged, Image: job.Image{State: "available"}})
	launch(s, unsettled(s, "used", job.Result{Ending: job.Broken}))
	test(s)
	left(s, s.Web, "web")
	s.Execute("aborted")
	s.Abort(executionARN + "aborted")
	for n, kind := range []ledger.SlotKind{ledger.Places, ledger.Turns} {
		_, err := s.Ledger.Kept.Take(s.Context(), ledger.Slot{
			Plan: "nightly", Kind: kind, ID: fmt.Sprint(n), Source: "i-gone", Run: "gone", Since: time.Now(), Seen: time.Now(),
			Stopping: time.Now(),
		}, time.Time{})
		s.Must(err)
	}
	s.Must(s.Cloud.SetTags(s.Launch("asks", nil), map[string]string{"Name": "asks", tag.Request: "now"}))
	clock(s, "2000-01-01T02:20:00Z")
	return step.Handle, s.Sample("sweep")
}

// unsettled is a registered image of a job with that result.
func unsettled(s *steptest.Stage, name string, result job.Result) string {
	s.Helper()
	r, err := s.Ledger.Kept.Register(s.Context(), ledger.Registration{
		Kind: ledger.MadeImage, Call: ledger.CreateImage, Lineage: s.Web, Source: s.Web, Name: name, Plan: "nightly",
		Run:     name,
		AMIName: "goldsmith/" + name, Begun: time.Now(),
	})
	s.Must(err)
	out, err := s.EC2.CreateImage(s.Context(), &sdk.CreateImageInput{
		InstanceId: aws.String(s.Web), Name: aws.String("goldsmith/" + name), NoReboot: aws.Bool(true),
	})
	s.Must(err)
	time.Sleep(20 * time.Minute)
	if name != "failed" { // the answer to whose creation was lost
		r.ID = aws.ToString(out.ImageId)
		_, err = s.Ledger.Kept.Amend(s.Context(), r)
		s.Must(err)
	}
	result.Run, result.Source, result.Name, result.At, result.Image.ID = name, s.Web, name, time.Now(), aws.ToString(out.ImageId)
	s.Must(s.Ledger.Kept.PutResult(s.Context(), result))
	return aws.ToString(out.ImageId)
}

func launch(s *steptest.Stage, image string) {
	s.Helper()
	_, err := s.EC2.RunInstances(s.Context(), &sdk.RunInstancesInput{
		ImageId: aws.String(image), InstanceType: types.InstanceTypeT3Micro, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
	})
	s.Must(err)
}

// world is every instance, image, registration, claim, slot, run, result and message.
func world(s *steptest.Stage) string {
	s.Helper()
	lines := slices.Concat([]string{fmt.Sprintf("told %t", len(s.Slack.Messages()) > 0)}, // better twice than never
		inEC2(s), inRegister(s), inLedger(s), ofRuns(s))
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func inEC2(s *steptest.Stage) (lines []string) {
	s.Helper()
	instances, err := s.EC2.DescribeInstances(s.Context(), &sdk.DescribeInstancesInput{})
	s.Must(err)
	for _, r := range instances.Reservations {
		for _, i := range r.Instances {
			lines = append(lines, fmt.Sprintf("instance %q %s", tag.Map(i.Tags)["Name"], i.State.Name))
		}
	}
	images, err := s.EC2.DescribeImages(s.Context(), &sdk.DescribeImagesInput{Owners: []string{"self"}})
	s.Must(err)
	for _, i := range images.Images {
		lines = append(lines, "image "+aws.ToString(i.Name))
	}
	return lines
}

// inRegister leaves out the image that is removed: the next run that retires ends its registration.
func inRegister(s *steptest.Stage) (lines []string) {
	s.Helper()
	for r, err := range s.Ledger.Kept.Registrations(s.Context(), "") {
		if s.Must(err); r.Name != "failed" {
			lines = append(lines, fmt.Sprintf("registered %s %s with id %t, good %t", r.Kind, r.Name, r.ID != "", r.Good))
		}
	}
	for r, err := range s.Ledger.Kept.Unsettled(s.Context()) {
		if s.Must(err); r.Name != "failed" {
			lines = append(lines, "unsettled "+r.Name)
		}
	}
	return lines
}

func inLedger(s *steptest.Stage) (lines []string) {
	s.Helper()
	for c, err := range s.Ledger.Kept.Claims(s.Context()) {
		s.Must(err)
		lines = append(lines, "claim of "+c.Name)
	}
	for slot, err := range s.Ledger.Kept.Slots(s.Context(), "") {
		s.Must(err)
		lines = append(lines, fmt.Sprintf("%s of %s", slot.Kind, slot.Source))
	}
	return lines
}

func ofRuns(s *steptest.Stage) (lines []string) {
	s.Helper()
	for _, e := range s.States.List(sfn.Filter{}) {
		r, ok, err := s.Ledger.Kept.GetRun(s.Context(), e.Name)
		s.Must(err)
		name, _, _ := strings.Cut(e.Name, "-late-")
		lines = append(lines, fmt.Sprintf("run %s is known %t, told %t", name, ok, !r.Told.IsZero()))
	}
	for _, run := range []string{steptest.RunName, "whole", "good", "used"} {
		for _, r := range s.Results(run) {
			lines = append(lines, fmt.Sprintf("result of %s: %s %s", run, r.Ending, r.Image.State))
		}
	}
	return lines
}

// A call that is denied is an error of the sweep or is logged as one, and the next sweeps make up for it.
func TestSweepWithACallDenied(t *testing.T) {
	steptest.Each[json.RawMessage, recovery.Answer]{
		Scene: cutOff, End: world, Between: func(*steptest.Stage) { time.Sleep(7 * time.Minute) },
		Noticed: func(s *steptest.Stage, call string, err error, _ recovery.Answer) {
			if err == nil && !strings.Contains(s.Logs.String(), `"level":"ERROR"`) {
				s.Errorf("%s was denied, and it is told nowhere", call)
			}
		},
	}.Play(t)
}
