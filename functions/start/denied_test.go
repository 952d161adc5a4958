package start_test

import (
	"strings"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/stage"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
)

// A call that is denied is an error, or logged where the start matters more; tried again, the instance is started.
func TestStartWithACallDenied(t *testing.T) {
	fellBack := func(s *stage.Stage) (handler.Func[job.Job, job.Job], job.Job) {
		step, j := scene(s)
		j.Failure, j.Times.StartSent = broken, time.Now()
		return step, j
	}
	stage.Each[job.Job, job.Job]{
		Scene: fellBack,
		Noticed: func(s *stage.Stage, call string, err error, _ job.Job) {
			if err == nil && !strings.Contains(s.Logs.String(), `"level":"ERROR"`) {
				s.Errorf("%s was denied, and it is told nowhere", call)
			}
		},
		Between: func(*stage.Stage) { time.Sleep(time.Minute) },
		End: func(s *stage.Stage) string {
			s.Same("state", s.Cloud.State(s.Web), ec2.Running)
			return ""
		},
	}.Play(t)
}
