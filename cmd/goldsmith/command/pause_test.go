package command_test

import (
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/smithy-go/middleware"

	"goldsmith/cmd/goldsmith/command"
)

// schedule is a schedule of the suite as Scheduler tells it.
func (s *scene) schedule(name string) *scheduler.GetScheduleOutput {
	s.Helper()
	out, err := scheduler.NewFromConfig(s.suite.AWS()).GetSchedule(s.Context(),
		&scheduler.GetScheduleInput{Name: aws.String(name), GroupName: aws.String("goldsmith")})
	s.must(err)
	out.ResultMetadata = middleware.Metadata{}
	return out
}

// nights is how many runs of plan nightly there were.
func (s *scene) nights() (n int) {
	for _, x := range s.suite.States.List(all(s)) {
		if strings.HasPrefix(x.Name, "nightly-") {
			n++
		}
	}
	return n
}

// A paused plan starts no run, also none that a sweep would make up for; once resumed, its schedule is as it was.
func TestPauseAndResume(t *testing.T) {
	play(t, func(s *scene) {
		s.launch("web")
		before := s.schedule("goldsmith-nightly")
		s.golden("pause", s.types("pause", "nightly"), command.OK)
		s.golden("pause-again", s.types("pause", "nightly"), command.OK)
		s.golden("pause-status", s.types("status"), command.OK)
		s.golden("pause-plan", s.types("plan", "nightly", "--plans", plans), command.OK)
		time.Sleep(50 * time.Hour)
		if n := s.nights(); n > 0 {
			t.Errorf("%d runs of a paused plan", n)
		}
		s.golden("resume", s.types("resume", "nightly"), command.OK)
		s.golden("resume-again-json", s.types("resume", "nightly", "-o", "json"), command.OK)
		if after := s.schedule("goldsmith-nightly"); !reflect.DeepEqual(before, after) {
			t.Errorf("the schedule is %+v, and was %+v", after, before)
		}
		time.Sleep(24 * time.Hour)
		if n := s.nights(); n != 1 {
			t.Errorf("%d runs the day after", n)
		}
	})
}

// A run that was due while its plan was paused, and whose window is open, is made up for once the plan is resumed.
func TestResumeWithinTheWindow(t *testing.T) {
	play(t, func(s *scene) {
		s.launch("web")
		s.types("pause", "nightly")
		time.Sleep(3 * time.Hour) // It is due at half past two.
		if n := s.nights(); n > 0 {
			t.Errorf("%d runs of a paused plan", n)
		}
		s.types("resume", "nightly")
		time.Sleep(20 * time.Minute)
		if n := s.nights(); n != 1 {
			t.Errorf("%d runs once it is resumed", n)
		}
	})
}

func TestPauseOfNoPlan(t *testing.T) {
	play(t, func(s *scene) {
		s.golden("pause-none", s.types("pause", "nihgtly"), command.Broken)
		s.golden("pause-sweep", s.types("pause", "sweep"), command.Misused)
		s.suite.Bus.Enable("goldsmith-sweep", false)
		s.golden("pause-sweep-off", s.types("status"), command.OK)
		s.golden("pause-sweep-on", s.types("resume", "sweep"), command.OK)
	})
}

// Who may not list schedules sees the rest of the status, and that this is not known.
func TestPausedUnseen(t *testing.T) {
	play(t, func(s *scene) {
		s.unlisted = true
		s.golden("pause-unseen", s.types("status"), command.OK)
	})
}

// unlisted is an account whose Scheduler refuses every call.
type unlisted struct{ aws.HTTPClient }

func (u unlisted) Do(q *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(q.URL.Path, "/schedules") {
		return u.HTTPClient.Do(q)
	}
	return &http.Response{
		StatusCode: http.StatusForbidden, Request: q, Header: http.Header{"X-Amzn-Errortype": {"AccessDeniedException"}},
		Body: io.NopCloser(strings.NewReader(`{"message":"no"}`)),
	}, nil
}
