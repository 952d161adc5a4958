package start_test

import (
	"strings"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/test/steptest"
)

// A call that is denied is an error, or logged where the start matters more; tried again, the instance is started.
func TestStartWithACallDenied(t *testing.T) {
	fellBack := func(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
		step, j := scene(s)
		j.Failure, j.Times.StartSent = broken, time.Now()
		return step, j
	}
	steptest.Each[job.Job, job.Job]{
		Scene: fellBack,
		Noticed: func(s *steptest.Stage, call string, err error, _ job.Job) {
			if err == nil && !strings.Contains(s.Logs.String(), `"level":"ERROR"`) {
				s.Errorf("%s was denied, and it is told nowhere", call)
			}
		},
		Between: func(*steptest.Stage) { time.Sleep(time.Minute) },
		End: func(s *steptest.Stage) string {
			s.Same("state", s.Cloud.State(s.Web), ec2.Running)
			return ""
		},
	}.Play(t)
}
