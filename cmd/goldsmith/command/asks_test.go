package command_test

import (
	"testing"
	"time"

	"goldsmith/cmd/goldsmith/command"
	"goldsmith/local/ec2"
	"goldsmith/local/slack"
)

// TestAPersonIsAskedFirst holds that run and rollback change nothing in a terminal before a yes.
func TestAPersonIsAskedFirst(t *testing.T) {
	play(t, func(s *scene) {
		s.person = true
		web := s.launch("web")
		s.template("web", "t3.micro")
		s.answers = "n\n"
		s.golden("asks-run-no", s.types("run", "nightly"), command.OK)
		time.Sleep(time.Minute)
		if state := s.suite.EC2.State(web); state != ec2.Running || s.asked > 0 {
			t.Errorf("web is %s after a no, and %d runs were asked for", state, s.asked)
		}
		s.answers = "y\n"
		s.golden("asks-run", s.types("run", "nightly", "--source", web), command.OK)
		time.Sleep(2 * time.Hour)
		if got := s.types("run", "nightly", "--wait", "--yes"); got.code != command.OK {
			t.Errorf("exit code %d: %s%s", got.code, got.out, got.err)
		}
		s.answers = ""
		before := s.versions()
		s.golden("asks-rollback-no", s.types("rollback", "--name", "web"), command.OK)
		if s.versions() > before {
			t.Error("rolled back without an answer")
		}
		s.answers = "yes\n"
		s.golden("asks-rollback", s.types("rollback", "--name", "web"), command.OK)
		if s.versions() == before {
			t.Error("nothing was rolled back after a yes")
		}
	})
}

// versions is how many versions of launch templates were made.
func (s *scene) versions() (made int) {
	for _, c := range s.suite.Calls.Since(0) {
		if c.Action == "CreateLaunchTemplateVersion" {
			made++
		}
	}
	return made
}

// A rollback that no message could tell of says so to who asked.
func TestARollbackThatNobodyHearsOf(t *testing.T) {
	play(t, func(s *scene) {
		s.launch("web")
		s.template("web", "t3.micro")
		for range 2 {
			s.types("run", "nightly", "--wait")
			time.Sleep(time.Hour)
		}
		s.suite.Slack.Fail(slack.Failure{Status: 403, Code: "invalid_token"}, time.Now().Add(time.Hour))
		s.golden("rollback-untold", s.types("rollback", "--name", "web"), command.OK)
	})
}
