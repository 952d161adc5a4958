package rollout_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/ledger"
	"goldsmith/shared/rollout"
	"goldsmith/test/steptest"
)

// undo is a template of which a roll led something to "new", and where $Default and $Latest lead after it is undone.
type undo struct {
	given func(w *world)
	// to is the image that is named, empty for the one before.
	to               string
	standard, latest string
	// made is how many versions the undo makes.
	made          int
	problem, note string
}

// What $Default and $Latest lead to after an undo, and how many versions that takes.
var undos = map[string]undo{
	"both were rolled": {
		given:    func(w *world) { w.template(2, "a old", "a new"); w.rolled(2, false) },
		standard: "a old", latest: "a old", made: 1,
	},
	"both were rolled, and had the same": {
		given: func(w *world) {
			w.template(2, "a old", "a new")
			w.rolled(2, false, w.had(1, "old"), w.had(1, "old"), w.had(1, "old"))
		},
		standard: "a old", latest: "a old", made: 1,
	},
	"the latest had another image": {
		given: func(w *world) {
			w.template(3, "a old", "a other", "a new")
			w.rolled(3, false, w.had(1, "old"), w.had(2, "other"), w.had(1, "old"))
		},
		standard: "a old", latest: "a other", made: 1, note: "$Latest launches",
	},
	"the latest had other content": {
		given: func(w *world) {
			w.template(3, "a old", "b old", "a new")
			w.rolled(3, false, w.had(1, "old"), w.had(2, "old"), w.had(1, "old"))
		},
		standard: "a old", latest: "b old", made: 1,
	},
	"the default stayed": {
		given: func(w *world) {
			w.template(1, "a old", "b old", "b new")
			w.rolled(3, true, w.had(2, "old"), w.had(2, "old"), w.had(2, "old"))
		},
		standard: "a old", latest: "b old", made: 1,
	},
	"edited since: the edit stays, with the image of before": {
		given:    func(w *world) { w.template(3, "a old", "a new", "b new"); w.rolled(2, false) },
		standard: "b old", latest: "b old", made: 1,
	},
	"edited since, in the latest alone": {
		given:    func(w *world) { w.template(2, "a old", "a new", "b new"); w.rolled(2, false) },
		standard: "a old", latest: "b old", made: 1,
	},
	"a person put another image on top: it stays": {
		given:    func(w *world) { w.template(2, "a old", "a new", "a other"); w.rolled(2, false) },
		standard: "a old", latest: "a other", made: 0, note: "which Goldsmith did not put there, and stays",
	},
	"a person set the default back": {
		given:    func(w *world) { w.template(1, "a old", "a new"); w.rolled(2, false) },
		standard: "a old", latest: "a old", made: 1,
	},
	"a person made another image the default": {
		given:    func(w *world) { w.template(3, "a old", "a new", "a other"); w.rolled(2, false) },
		standard: "a other", latest: "a other",
		problem: "which Goldsmith did not put there; name the image to go back to",
	},
	"a person made another image the default, and $Latest launches what was rolled": {
		given: func(w *world) {
			w.template(3, "a old", "a new", "a other", "b new")
			w.rolled(2, false, w.had(1, "old"), w.had(1, "old"), w.had(1, "old"))
		},
		standard: "a other", latest: "b old", made: 1, note: "its default version 3 has",
	},
	"a person made the former image the default with an edit, and $Latest launches what was rolled": {
		given:    func(w *world) { w.template(3, "a old", "a new", "b old", "a new"); w.rolled(2, false) },
		standard: "b old", latest: "a old", made: 1,
	},
	"a person made another image the default, and what was before is not known": {
		given: func(w *world) {
			w.template(3, "a old", "a new", "a other", "b new")
			w.rolled(2, false)
			w.forgetBefore()
		},
		standard: "a other", latest: "b new",
		problem: "which Goldsmith did not put there; name the image to go back to",
	},
	"to an image that is named": {
		given: func(w *world) { w.template(3, "a old", "a new", "a other"); w.rolled(2, false) },
		to:    "old", standard: "a old", latest: "a old", made: 1,
	},
	"to an image that is named, over an edit": {
		given: func(w *world) { w.template(2, "a old", "a new", "b new"); w.rolled(2, false) },
		to:    "other", standard: "a other", latest: "b other", made: 2,
	},
	"what was before is gone": {
		given: func(w *world) {
			w.template(3, "a old", "a other", "a new")
			w.rolled(3, false, w.had(1, "old"), w.had(2, "other"), w.had(1, "old"))
			w.deletes("1", "2")
		},
		standard: "a old", latest: "a other", made: 2, note: "$Latest launches",
	},
	"it had no image": {
		given: func(w *world) {
			w.template(2, "a none", "a new")
			w.rolled(2, false, w.had(1, "none"), w.had(1, "none"), w.had(1, "none"))
		},
		standard: "a none", latest: "a none", made: 1,
	},
	"it had no image, and what it had is gone": {
		given: func(w *world) {
			w.template(2, "a none", "a new")
			w.rolled(2, false, w.had(1, "none"), w.had(1, "none"), w.had(1, "none"))
			w.deletes("1")
		},
		standard: "a new", latest: "a new", problem: "the version without an image that it had is gone",
	},
	"a try before made the default's version and did not live to cover it": {
		given: func(w *world) {
			w.template(3, "a old", "a other", "a new")
			w.rolled(3, false, w.had(1, "old"), w.had(2, "other"), w.had(1, "old"))
			w.begins("old")
			w.version("a old", "Goldsmith rollback of the default version")
		},
		standard: "a old", latest: "a other", made: 1, note: "$Latest launches",
	},
	"as many versions as there may be": {
		given: func(w *world) {
			w.template(2, "a old", "a new")
			w.rolled(2, false)
			w.Refuse("CreateLaunchTemplateVersion", "VersionLimitExceeded", 1)
		},
		standard: "a old", latest: "a new", made: 0, problem: "its default version is 1, which has",
	},
	"as many versions as there may be, and the latest had another image": {
		given: func(w *world) {
			w.template(3, "a old", "a other", "a new")
			w.rolled(3, false, w.had(1, "old"), w.had(2, "other"), w.had(1, "old"))
			w.Refuse("CreateLaunchTemplateVersion", "VersionLimitExceeded", 1)
		},
		standard: "a old", latest: "a new", made: 0, problem: "its default version is 1, which has", note: "$Latest launches",
	},
	"nothing was rolled into it": {
		given: func(w *world) {
			w.template(2, "a old", "a new")
			w.rolled(2, false)
			w.forget()
		},
		standard: "a new", latest: "a new", problem: "nothing is known of what it had before; name the image to go back to",
	},
}

func TestUndoing(t *testing.T) {
	for name, c := range undos {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(steptest.New(t))
				c.given(w)
				_, _, before := w.shows()
				for range 2 { // Asked twice, it is undone once.
					problem, note := w.undoes(c.to)
					standard, latest, after := w.shows()
					w.Same("default", standard, c.standard)
					w.Same("latest", latest, c.latest)
					w.Same("made", after-before, c.made)
					w.Same("problem: "+problem, strings.Contains(problem, c.problem) && (problem == "") == (c.problem == ""), true)
					w.Same("note: "+note, strings.Contains(note, c.note) && (note == "") == (c.note == ""), true)
					if c.problem != "" {
						return
					}
					time.Sleep(time.Hour)
				}
			})
		})
	}
}

// meddling makes a version of a person's own right before the undo makes its first.
type meddling struct {
	rollout.Templates
	before func()
}

func (m *meddling) CreateLaunchTemplateVersion(
	ctx context.Context, in *sdk.CreateLaunchTemplateVersionInput, o ...func(*sdk.Options),
) (*sdk.CreateLaunchTemplateVersionOutput, error) {
	if m.before != nil {
		m.before()
	}
	m.before = nil
	return m.Templates.CreateLaunchTemplateVersion(ctx, in, o...)
}

// What a person makes in the same moment stays on top, without the image that is undone.
func TestUndoBesideAPersonsVersion(t *testing.T) {
	for theirs, latest := range map[string]string{"b new": "b old", "b other": "b other", "a other": "a other"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(steptest.New(t))
			w.template(2, "a old", "a new")
			w.rolled(2, false)
			room := w.room()
			room.Templates = &meddling{room.Templates, func() { w.version(theirs) }}
			targets, err := room.Known(w.Context(), "web")
			w.Must(err)
			w.Must(room.LookAll(w.Context(), targets))
			back := targets[0].Back("")
			w.Must(room.Return(w.Context(), targets[0], back.To))
			standard, top, count := w.shows()
			w.Same("beside "+theirs, []any{standard, top, count, targets[0].Rolled.Version},
				[]any{"a old", latest, 5, int64(4)})
		})
	}
}

// undoes asks for an undo, as a rollback does.
func (w *world) undoes(image string) (problem, note string) {
	w.Helper()
	room := w.room()
	targets, err := room.Known(w.Context(), "web")
	w.Must(err)
	if len(targets) == 0 {
		return "nothing is known of what it had before; name the image to go back to", ""
	}
	w.Must(room.LookAll(w.Context(), targets))
	t := targets[0]
	back := t.Back(w.images[image])
	if back.Problem != "" {
		return back.Problem, back.Note
	}
	if !back.There {
		w.Must(room.Return(w.Context(), t, back.To))
	}
	if t.Rolled.Problem == "" {
		w.Must(room.Hold(w.Context(), t, back.To, back.There))
	}
	return t.Rolled.Problem, back.Note
}

// begins records an undo that did not live to end.
func (w *world) begins(image string) {
	w.Helper()
	for t, err := range w.Ledger.Kept.Targets(w.Context(), "web") {
		w.Must(err)
		t.Begun = &ledger.Change{From: t.Points[0], To: ledger.Point{Image: w.images[image], By: "ada", Was: t.Points[0].Was}}
		_, err = w.Ledger.Kept.PutTarget(w.Context(), t)
		w.Must(err)
	}
}

// deletes deletes versions, as a person may.
func (w *world) deletes(versions ...string) {
	w.Helper()
	_, err := w.EC2.DeleteLaunchTemplateVersions(w.Context(),
		&sdk.DeleteLaunchTemplateVersionsInput{LaunchTemplateId: aws.String(w.id), Versions: versions})
	w.Must(err)
}

// forget leaves nothing of a roll in the record.
func (w *world) forget() {
	w.Helper()
	for t, err := range w.Ledger.Kept.Targets(w.Context(), "web") {
		w.Must(err)
		t.Points = nil
		_, err = w.Ledger.Kept.PutTarget(w.Context(), t)
		w.Must(err)
	}
}

// forgetBefore leaves nothing of what was there before a roll in the record.
func (w *world) forgetBefore() {
	w.Helper()
	for t, err := range w.Ledger.Kept.Targets(w.Context(), "web") {
		w.Must(err)
		t.Points = t.Points[:1]
		_, err = w.Ledger.Kept.PutTarget(w.Context(), t)
		w.Must(err)
	}
}
