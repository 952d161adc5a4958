package rollout

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
)

// Decision is what becomes of one target: by a roll, or by a rollback.
type Decision struct {
	// From is what a roll starts from.
	From ledger.Point
	// To is where a rollback leads; To.Was is what each pointer had, where that is known.
	To ledger.Point
	// Problem says why it is left where it is; empty when it is rolled or led back, or is there.
	Problem string
	// There is whether it is there already: nothing is to be done.
	There bool
	// Made is whether an earlier try of the same run has rolled it.
	Made bool
	// Note is what to know beside.
	Note string
	// Held is whether it is left alone because a person rolled it back.
	Held bool
}

// decide says what becomes of a target, from what it points at and what the
// ledger knows of it; known is zero for one that was never rolled. A run and its
// rehearsal decide alike, because both ask here (decision 0025).
func decide(now state, known ledger.TargetRecord, to Image) Decision {
	now.Was = beforeBegun(now, known.Begun)
	v := Decision{From: now.Point()}
	if problem := pinned(now); problem != "" {
		v.Problem = problem
		return v
	}
	if begun, ok := resumed(now, known.Begun, to); ok {
		return begun
	}
	if done, ok := repeated(now, known, to); ok {
		return done
	}
	if now.Image == to.ID {
		v.There = true
		return v
	}
	if back := backed(now, known); back != nil {
		v.Problem, v.Held = heldBy(*back, known.Source), true
		return v
	}
	if v.Problem = setBack(now, known); v.Problem == "" {
		v.Problem, v.Note = sharedName(known, to)
	}
	if v.Problem == "" {
		v.Note = cmp.Or(refused(now, known), v.Note)
	}
	return v
}

// beforeBegun is what launched from a template before a roll that made its latest version and did not live to record
// it.
func beforeBegun(now state, begun *ledger.Change) *ledger.Was {
	if begun != nil && begun.From.Was != nil && now.Top == begun.To.Image {
		return begun.From.Was
	}
	return now.Was
}

// resumed is the verdict on a roll to the image that an earlier try began and
// did not record; ok is false when none was begun, or somebody has pointed the target elsewhere since.
func resumed(now state, begun *ledger.Change, to Image) (v Decision, ok bool) {
	if begun == nil || begun.To.Image != to.ID {
		return Decision{}, false
	}
	switch {
	case now.Image == to.ID && begun.From.Image != to.ID:
		return Decision{From: begun.From, There: true, Made: true}, true
	case now.Point().Is(begun.From):
		return Decision{From: begun.From}, true // begun, and not made: the judgement that began it holds
	default:
		return Decision{}, false
	}
}

// repeated is the verdict on a target that this run has rolled already. What is
// there now may be a describe that lags, or a person's later wish.
func repeated(now state, known ledger.TargetRecord, to Image) (v Decision, ok bool) {
	latest, rolled := Latest(known)
	if !rolled || latest.Image != to.ID || latest.Run != to.Run {
		return Decision{}, false
	}
	v = Decision{From: now.Point(), There: true, Made: true}
	if len(known.Points) > 1 {
		v.From = known.Points[1]
	}
	v.From.Was = latest.Was
	return v, true
}

// refused: the check of PutParameter ends after its answer; a version that never came is one that it refused.
func refused(now state, known ledger.TargetRecord) string {
	if latest, rolled := Latest(known); rolled && now.Alias && now.Version < latest.Version {
		return fmt.Sprintf("Parameter Store has not taken %s, which was written last", latest.Image)
	}
	return ""
}

// pinned: writing the parameter does not roll a template that takes a version of it, another account's, or AWS's own.
func pinned(now state) string {
	from := cmp.Or(now.Base, now.Image)
	name, fixed, alias := Alias(from)
	switch {
	case now.Alias || !alias || !fixed:
		return ""
	case strings.HasPrefix(name, public):
		return fmt.Sprintf("it takes its image from %s, one of AWS's own parameters; "+
			"name a parameter of this account, or an image, to have it rolled", name)
	default:
		return fmt.Sprintf("it takes its image from %s, a parameter's pinned version or another account's parameter; name "+
			"a parameter of this account without version or label to have it rolled", from)
	}
}

// setBack says that somebody has set the target back by hand since Goldsmith rolled it:
// the newest image is the one they did not want.
func setBack(now state, known ledger.TargetRecord) string {
	last, rolled := Latest(known)
	switch {
	case !rolled:
		return ""
	case now.Alias:
		return aliasSetBack(now, known, last)
	case now.Reverted != 0:
		return fmt.Sprintf("its version %d is version %d, which Goldsmith made last, with an earlier image: it was set "+
			"back by "+
			"hand; ask %s to let it follow", now.Reverted, last.Version, job.Command("follow", known.Source))
	case !last.Stays && now.Default < last.Version:
		return fmt.Sprintf("its default version %d is older than version %d, which Goldsmith made default last: "+
			"it was set back by hand; make version %d its default, or ask %s, to let it follow",
			now.Default, last.Version, last.Version, job.Command("follow", known.Source))
	case last.Stays && now.Latest < last.Version:
		return fmt.Sprintf("its latest version %d is older than version %d, which Goldsmith made and which was deleted; "+
			"ask %s to let it follow", now.Latest, last.Version, job.Command("follow", known.Source))
	default:
		return ""
	}
}

func aliasSetBack(now state, known ledger.TargetRecord, last ledger.Point) string {
	if now.Version <= last.Version || now.Image == last.Image || !Had(known, now.Image) {
		return ""
	}
	return fmt.Sprintf("it was set back to %s by hand, which it held before %s; write %s into it, or ask %s, "+
		"to let it follow",
		now.Image, last.Image, last.Image, job.Command("follow", known.Source))
}

// backed is the rollback that holds the target where it is; nil when none does, because none was
// made, or somebody has pointed the target at what was rolled last again.
func backed(now state, known ledger.TargetRecord) *ledger.Point {
	if begun := known.Begun; begun != nil && begun.To.Run == "" && begun.To.Image == now.Image &&
		begun.From.Image != now.Image {
		// It did not live to record that it was made.
		made := begun.To
		made.Version = now.Version
		return &made
	}
	last, rolled := Latest(known)
	if back := known.Back; back != nil && (!rolled || now.Image != last.Image) {
		return back
	}
	return nil
}

// heldBy says who holds a target, since when, and what lets it go.
func heldBy(back ledger.Point, source string) string {
	since := ""
	if !back.At.IsZero() {
		since = " on " + job.UTC(back.At)
	}
	by := ""
	if back.By != "" {
		by = " by " + back.By
	}
	return fmt.Sprintf("held: it was rolled back to %s%s%s; %s lets it follow again", back.Image, by, since,
		job.Command("follow", source))
}

// precedes reports whether another source of the same run and name has the last word, whichever comes last: the newest
// snapshot, and of instances the one with the lowest id.
func precedes(source string, taken time.Time, image Image) bool {
	if !taken.Equal(image.Taken) {
		return taken.After(image.Taken)
	}
	return source < image.Source
}

// sharedName: of the sources of one name that a run images one has the last word. Across runs the newer image has it.
func sharedName(known ledger.TargetRecord, to Image) (problem, note string) {
	latest, rolled := Latest(known)
	if begun := known.Begun; begun != nil {
		latest, rolled = begun.To, true
	}
	if !rolled || latest.Source == "" || latest.Source == to.Source {
		return "", ""
	}
	if latest.Run == to.Run && precedes(latest.Source, latest.Taken, to) {
		return OfAnother(latest.Source, known.Source), ""
	}
	if _, group := lineage.Group(known.Source); group || latest.Lineage != "" && latest.Lineage == to.Lineage {
		return "", "" // Any member stands for its group, and the next snapshot of a volume for that.
	}
	return "", fmt.Sprintf("it had the image of %s, another source called %s", latest.Source, to.Name)
}

// OfAnother is why a target is not rolled that has the image of another source of the run under the same key.
func OfAnother(source, key string) string {
	if name, group := lineage.Group(key); group {
		return fmt.Sprintf("it has the image of %s, another member of Auto Scaling group %s that this run images", source,
			name)
	}
	return fmt.Sprintf("it has the image of %s, another source of this run that is called %s; "+
		"give one of them another name by the tag goldsmith:name", source, key)
}
