package watch_test

import (
	"testing"
	"time"

	"goldsmith/functions/watch"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/test/steptest"
)

// later is a look that is not the wait's first: it spends no token.
func later(s *steptest.Stage) (handler.Func[watch.Input, *job.Document], watch.Input) {
	step, in := scene(s)
	in.Tries = 1
	return step, in
}

func TestALaterLook(t *testing.T) {
	steptest.Play(t, later, cases{
		{
			Name: "still running: the token is kept for the event", Want: "Await DescribeInstances: ok",
			Then: func(s *steptest.Stage, none *job.Document) {
				goesOn(s, none)
				s.Same("waits", len(waits(s, s.Web)), 1)
			},
		},
		{
			Name:  "stopped: told by an error",
			Given: func(s *steptest.Stage, _ *watch.Input) { s.Set(s.Web, ec2.Stopped) },
			Want:  "Await DescribeInstances Done: Reached", Says: []string{"i-", " is stopped"},
			Then: func(s *steptest.Stage, none *job.Document) {
				goesOn(s, none)
				s.Same("waits", len(waits(s, s.Web)), 0)
			},
		},
		{
			Name:  "terminated: told by an error",
			Given: func(s *steptest.Stage, _ *watch.Input) { s.Set(s.Web, ec2.Terminated) },
			Want:  "Await DescribeInstances Done: Failed", Says: []string{"was terminated"},
		},
		{
			Name: "EC2 does not say: looked again",
			Given: func(s *steptest.Stage, _ *watch.Input) {
				s.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Code: "Unavailable", Nth: []int{1, 2, 3, 4, 5, 6}})
			},
			Want: "Await DescribeInstances*6: Transient | Await DescribeInstances: ok",
		},
		{
			Name:  "the wait cannot be forgotten: told again",
			Given: func(s *steptest.Stage, _ *watch.Input) { s.Set(s.Web, ec2.Stopped); s.Ledger.Break("Done", 1) },
			Want:  "Await DescribeInstances Done: Transient | Await DescribeInstances Done: Reached",
		},
	})
}

// plain is a look that hands the job over by its answer.
func plain(s *steptest.Stage) (handler.Func[watch.Input, *job.Document], watch.Input) {
	step, in := scene(s)
	in.Token = ""
	return step, in
}

func TestALookWithoutAToken(t *testing.T) {
	steptest.Play(t, plain, cases{
		{
			Name:  "stopped: the job is the answer",
			Given: func(s *steptest.Stage, _ *watch.Input) { s.Set(s.Web, ec2.Stopped) },
			Want:  "DescribeInstances: ok",
			Then: func(s *steptest.Stage, j *job.Document) {
				s.Same("stopped", j.Times.Stopped, time.Now().UTC())
				s.Same("awaits", j.Await, (*job.Await)(nil))
			},
		},
		{Name: "running again: waited for anew", Want: "DescribeInstances: NotYet",
			Says: []string{"is not stopped any more"}},
		{
			Name:  "terminated",
			Given: func(s *steptest.Stage, _ *watch.Input) { s.Set(s.Web, ec2.Terminated) },
			Want:  "DescribeInstances: Failed",
		},
	})
}
