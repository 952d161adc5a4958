package demo

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"goldsmith/shared/plan"
	"goldsmith/shared/schedule"
)

// TestAnyPlansCanBePlayed holds that whatever plans.yaml says, one plan is due shortly after the
// night begins, alone, and names nothing that the embedded account does not have.
func TestAnyPlansCanBePlayed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plans := plan.Plans{Plans: map[string]plan.Plan{}}
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"nightly", "db", "web", "on-demand"}), 1, 4,
			rapid.ID[string]).Draw(t, "names") {
			p := plan.Default()
			p.Schedule = rapid.SampledFrom([]string{"", "rate(1 hour)", "cron(30 3 * * ? *)",
				"at(2020-01-01T00:00:00)"}).Draw(t, "schedule")
			p.Sources.IDs = rapid.SliceOfN(rapid.Just("i-0123456789abcdef0"), 0, 1).Draw(t, "ids")
			p.Verify.Boot, p.Verify.Subnet = true, "subnet-0123456789abcdef0"
			plans.Plans[name], plans.Default = p, name
		}
		c, err := choose(plans, "")
		if err != nil {
			t.Fatal(err)
		}
		for name, p := range c.plans.Plans {
			if (p.Schedule != "") != (name == c.name) {
				t.Errorf("plan %s has schedule %q while %s is played", name, p.Schedule, c.name)
			}
			if len(p.Sources.IDs) > 0 || p.Verify.Subnet == "subnet-0123456789abcdef0" {
				t.Errorf("plan %s names what is elsewhere: %+v", name, p)
			}
		}
		due, err := firstDue(c.plans.Plans[c.name], c.due.Add(-prelude))
		if err != nil || !due.Equal(c.due) {
			t.Errorf("the schedule is due at %s (%v), the demo waits for %s", due, err, c.due)
		}
	})
}

func firstDue(p plan.Plan, after time.Time) (time.Time, error) {
	zone, err := schedule.Zone(p.Timezone)
	if err != nil {
		return time.Time{}, err
	}
	s, err := schedule.Parse(p.Schedule, zone)
	if err != nil {
		return time.Time{}, err
	}
	due, _ := s.Next(after)
	return due, nil
}

func TestAPlanThatIsNot(t *testing.T) {
	plans := plan.Plans{Default: "web", Plans: map[string]plan.Plan{"web": plan.Default()}}
	if _, err := choose(plans, "db"); err == nil || !strings.Contains(err.Error(), `no plan "db"; the plans are web`) {
		t.Errorf("got %v", err)
	}
}

func TestASpeedThatIsNone(t *testing.T) {
	for _, speed := range []float64{0, -1, 1e9} {
		if err := Run(t.Context(), Options{Plans: "../../plans.yaml", Speed: speed}, &bytes.Buffer{}); err == nil {
			t.Errorf("a speed of %g is taken", speed)
		}
	}
}

func TestLinesAreCutToTheTerminal(t *testing.T) {
	var out bytes.Buffer
	n := &narrow{out: &out, width: 5}
	for _, piece := range []string{"ab", "c\nabcdefg", "h\nälteres\n"} {
		if _, err := n.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	if want := "abc\nabcd…\nälte…\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
