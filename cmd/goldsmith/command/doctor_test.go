package command_test

import (
	"testing"
	"time"

	"goldsmith/cmd/goldsmith/command"
	"goldsmith/local/ec2"
	"goldsmith/shared/ledger"
)

func TestDoctor(t *testing.T) {
	plans := []string{"doctor", "--plans", "testdata/plans.yaml"}
	play(t, func(s *scene) {
		s.launch("web")
		s.golden("doctor", s.types(plans...), command.OK)
		if changed := s.changes()[1:]; len(changed) > 0 {
			t.Errorf("it called %q", changed)
		}
	})
	play(t, func(s *scene) {
		s.launch("web")
		s.launch("db", in("db", "nihgtly"))
		s.golden("doctor-without-plans", s.types("doctor"), command.Failed)
		s.golden("doctor-no-such-plans", s.types("doctor", "--plans", "plans.yaml"), command.Misused)
	})
}

func TestDoctorOfTheSick(t *testing.T) {
	plans := []string{"doctor", "--plans", "testdata/plans.yaml"}
	play(t, func(s *scene) {
		web := s.launch("web")
		s.launch("db", in("db", "nihgtly"))
		s.types("pause", "nightly")
		s.suite.Bus.Enable("goldsmith-sweep", false)
		s.suite.DeadLetters.Send("{}", nil)
		s.must(s.suite.EC2.SetState(web, ec2.Stopped))
		now := time.Now()
		c, err := s.suite.Ledger.Claim(s.Context(), ledger.Claim{Source: web, Name: "web", Run: "nightly-1", Plan: "nightly",
			Since: now})
		s.must(err)
		c.Looked, c.WasRunning, c.StopSent, c.Left = true, true, now, now
		s.must(s.suite.Ledger.Record(s.Context(), c))
		s.golden("doctor-sick", s.types("doctor", "--plans", "testdata/weekly.yaml"), command.Failed)
		s.golden("doctor-sick-json", s.types(append(plans, "-o", "json")...), command.Failed)
	})
	play(t, func(s *scene) {
		s.unlisted, s.refused = true, "AccessDeniedException"
		s.golden("doctor-blind", s.types(plans...), command.OK)
		s.refused = "ProvisionedThroughputExceededException"
		s.golden("doctor-busy", s.types(plans...), command.Failed)
		s.bare = true
		s.golden("doctor-bare", s.types(plans...), command.Broken)
	})
}

// What a plan needs and does not have is told before the night: quotas, agents, keys, and what holds a whole run.
func TestDoctorOfWhatPlansNeed(t *testing.T) {
	play(t, func(s *scene) {
		s.launch("web")
		s.suite.EC2.SetQuota("L-1216C47A", 1)
		s.golden("doctor-quota", s.types("doctor", "--plans", "testdata/plans.yaml"), command.Failed)
		s.suite.EC2.SetQuota("L-1216C47A", 100)
		for _, name := range []string{"db", "mail", "shop", "wiki"} {
			s.launch(name)
		}
		s.golden("doctor-limit", s.types("doctor", "--plans", "testdata/plans.yaml"), command.Failed)
	})
	play(t, func(s *scene) {
		s.launch("db")
		s.golden("doctor-agents", s.types("doctor", "--plans", "testdata/frozen.yaml"), command.Failed)
	})
}
