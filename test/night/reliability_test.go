package night_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var updatePage = flag.Bool("update", false, "write docs/reliability.md anew from this run")

const (
	reliability = "../../docs/reliability.md"
	// mutants begins the section that test/mutation writes.
	mutants = "\n## Mutation testing\n"
)

// chapter is a part of the page's table of faults.
type chapter struct {
	title    string
	troubles []trouble
	stories  []story
}

// TestReliability plays each fault of EC2, and each deed of somebody else at each
// step, in a night of its own, and holds docs/reliability.md against what came of them.
func TestReliability(t *testing.T) {
	p := page{
		chapters: []chapter{
			{title: "Stopping", troubles: stopping()}, {title: "Imaging", troubles: imaging()},
			{title: "Bringing the instance back", troubles: starting()}, {title: "Rolling", troubles: rolling()},
		},
		deeds: deeds(), became: map[string]map[string]string{},
	}
	t.Run("faults", p.playTroubles)
	t.Run("somebody", p.playDeeds)
	t.Run("calm", func(t *testing.T) {
		p.calm = newChaos()
		crashNight(t, p.calm)
	})
	if t.Failed() || !p.whole() {
		t.Log("not every night was played and ended well: the page is not held against them")
		return
	}
	written, err := os.ReadFile(reliability)
	if err != nil {
		t.Fatal(err)
	}
	// What the last section says was measured by make mutants.
	_, measured, found := strings.Cut(string(written), mutants)
	want := p.String()
	if found {
		want += mutants + measured
	}
	if *updatePage {
		if err := os.WriteFile(reliability, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(written), want); diff != "" {
		t.Errorf("run go test ./test/night -run TestReliability -update\n%s", diff)
	}
}

func (p *page) playTroubles(t *testing.T) {
	for i := range p.chapters {
		c := &p.chapters[i]
		c.stories = make([]story, len(c.troubles))
		for k, trouble := range c.troubles {
			t.Run(trouble.what, func(t *testing.T) {
				t.Parallel()
				c.stories[k] = trouble.play(t)
			})
		}
	}
}

func (p *page) playDeeds(t *testing.T) {
	for _, d := range p.deeds {
		p.became[d.what] = map[string]string{}
		for _, step := range moments {
			t.Run(d.what+" before "+step, func(t *testing.T) {
				t.Parallel()
				became := d.play(t, step)
				p.mu.Lock()
				defer p.mu.Unlock()
				p.became[d.what][step] = became
			})
		}
	}
}

// whole reports whether every night was played; -run may have left some out.
func (p *page) whole() bool {
	for _, c := range p.chapters {
		for _, s := range c.stories {
			if s.what == "" {
				return false
			}
		}
	}
	for _, d := range p.deeds {
		if len(p.became[d.what]) < len(moments) {
			return false
		}
	}
	return p.calm != nil
}
