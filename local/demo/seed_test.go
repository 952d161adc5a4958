package demo

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"goldsmith/shared/job"
)

// TestASeedIsOneNight plays a seed twice, and holds that the same became of the same: sources, images, reasons,
// templates and old images. How long things took is the machine's.
func TestASeedIsOneNight(t *testing.T) {
	var nights [2]outcome
	for i := range nights {
		nights[i] = played(t)
	}
	if diff := cmp.Diff(nights[0], nights[1]); diff != "" {
		t.Errorf("the second night differs (-first +second):\n%s", diff)
	}
	nights[0].lost(t)
	nights[0].stood(t)
	nights[0].stoodStill(t)
}

// stoodStill holds that the database was imaged while it was frozen.
func (o *outcome) stoodStill(t *testing.T) {
	t.Helper()
	for _, r := range o.Runs {
		for _, s := range r.Sources {
			if want := s.Name == "orders"; want != (s.FrozenSeconds > 0) || want && s.Outcome != job.Imaged {
				t.Errorf("%s %s, frozen for %g s", s.Name, s.Outcome, s.FrozenSeconds)
			}
		}
	}
}

// stood holds that one member of a group is imaged, which was out of its service for that, and the other one is left
// alone for it; and that a group of one keeps its member.
func (o *outcome) stood(t *testing.T) {
	t.Helper()
	became := map[string]int{}
	for _, s := range o.Runs[0].Sources {
		switch {
		case s.Name == "shop" && s.Outcome == job.Imaged:
			became["imaged"]++
		case s.Name == "shop" && strings.Contains(s.Reason, " stands for Auto Scaling group shop (groups.pick: oldest)"):
			became["stood for"]++
		case s.Name == "web-fleet" && strings.Contains(s.Reason, "it wants 1 and its minimum is 1"):
			became["kept"]++
		}
	}
	if diff := cmp.Diff(map[string]int{"imaged": 1, "stood for": 1, "kept": 1}, became); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// lost holds that an image is made of the root volume's snapshot of an instance that is gone, and none of its data
// volume's.
func (o *outcome) lost(t *testing.T) {
	t.Helper()
	var became []string
	for _, r := range o.Runs {
		for _, s := range r.Sources {
			if s.Name == "mail" {
				became = append(became, string(s.Outcome)+" "+s.rolledTo()+" "+strings.SplitN(s.why(), ":", 2)[0])
			}
		}
	}
	slices.Sort(became)
	if diff := cmp.Diff([]string{"imaged /goldsmith/images/mail ", "skipped - it is no root volume"}, became); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// played is a night as the demo leaves it behind.
func played(t *testing.T) (night outcome) {
	t.Helper()
	o := Options{Plans: "../../plans.yaml", Seed: 3, Speed: 150, Out: t.TempDir()}
	var out bytes.Buffer
	if err := Run(t.Context(), o, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	file := filepath.Join(o.Out, "run.json")
	if !strings.HasSuffix(out.String(),
		"\nWritten: "+file+", "+filepath.Join(o.Out, "slack.html")+" and "+filepath.Join(o.Out, "report.html")+"\n") {
		t.Errorf("the demo does not end by naming its files:\n%s", out.String())
	}
	for wrong, why := range map[string]string{"\x1b[": "colors, and no terminal", ": Reached:": "no failure"} {
		if strings.Contains(out.String(), wrong) {
			t.Errorf("the demo prints %q: %s", wrong, why)
		}
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &night); err != nil {
		t.Fatal(err)
	}
	night.timeless()
	return night
}

// timeless takes out of a night what the machine's speed decides.
func (o *outcome) timeless() {
	for r := range o.Runs {
		for s := range o.Runs[r].Sources {
			each := &o.Runs[r].Sources[s]
			each.DownSeconds, each.MinSeconds, each.Calls = 0, 0, nil
			each.FrozenSeconds = min(each.FrozenSeconds, 1) // Whether, and not for how long.
			for i := range each.Refreshes {
				each.Refreshes[i].Began, each.Refreshes[i].Ended = date, date
			}
		}
		for i := range o.Runs[r].Retired {
			o.Runs[r].Retired[i].At, o.Runs[r].Retired[i].Since, o.Runs[r].Retired[i].Due = date, date, date
		}
	}
}
