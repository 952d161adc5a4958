package rollout

import (
	"cmp"
	"fmt"
	"slices"

	"goldsmith/shared/ledger"
)

// Back says where a target goes back to: to what was launched before the last roll, or to the image that is named.
// Asked twice, it goes back once. A template gets a new version, of what is there now, so that what a person has edited
// since stays.
func (t *Target) Back(image string) Decision { return back(t.At, t.Record, image) }

func back(now state, known ledger.TargetRecord, image string) Decision {
	if image == "" {
		r := before(now, known)
		r.Note = notes(now.theirs(known, r), now.kept(known, r))
		return r
	}
	to := ledger.Point{Image: image}
	if back := backed(now, known); back != nil && back.Image == image {
		to = *back
		to.Was = nil
	}
	if now.leads(image) {
		to.Version = now.Version
		return Decision{To: to, There: true}
	}
	to.Version = 0
	return Decision{To: to, Note: now.replaced(known, image)}
}

// leads reports whether all that a target may launch from by $Default and $Latest has an image.
func (s state) leads(image string) bool { return s.Image == image && (s.Alias || s.Top == image) }

// led reports whether what a target may launch from by $Default and $Latest is back. What a person has
// put on top since stays.
func (s state) led(known ledger.TargetRecord, to ledger.Point) bool {
	return s.Image == to.Image && (s.Alias || !slices.Contains(rolledAfter(s, known, to), s.Top))
}

// theirs tells of a default that a person has made another image's, and that stays.
func (s state) theirs(known ledger.TargetRecord, r Decision) string {
	if s.Alias || r.Problem != "" || r.To.Was == nil || r.To.Image != s.Image || s.Stays || Had(known, s.Image) {
		return ""
	}
	return fmt.Sprintf("its default version %d has %s, which Goldsmith did not put there, and stays", s.Default,
		orNothing(s.Image))
}

// kept tells what $Latest launches after an undo, where that is something else than what $Default launches.
func (s state) kept(known ledger.TargetRecord, r Decision) string {
	_, latest := versions(r.To)
	// An undo that did not live to end has made a version for the default, which is the latest until it is covered.
	own := known.Begun != nil && known.Begun.To.Run == "" && s.Top == r.To.Image
	switch {
	case s.Alias || r.Problem != "" || r.To.Was == nil:
		return ""
	case s.Top != latest.Image && !own && !slices.Contains(undone(s, known, r.To), s.Top):
		return fmt.Sprintf("its latest version %d has %s, which Goldsmith did not put there, and stays", s.Latest,
			orNothing(s.Top))
	case latest.Image != r.To.Image:
		return fmt.Sprintf("$Latest launches %s, as before the roll", orNothing(latest.Image))
	default:
		return ""
	}
}

// replaced tells of an image of a person's that gives way to one that is named.
func (s state) replaced(known ledger.TargetRecord, image string) string {
	ours := s.Top == image || slices.ContainsFunc(known.Points,
		func(p ledger.Point) bool { return p.Image == s.Top && p.Run != "" })
	if s.Alias || s.Top == s.Image || ours {
		return ""
	}
	return fmt.Sprintf("its latest version %d has %s, which Goldsmith did not put there; one with %s comes on top",
		s.Latest,
		orNothing(s.Top), image)
}

func before(now state, known ledger.TargetRecord) Decision {
	if back := backed(now, known); back != nil {
		return backAgain(now, known, *back)
	}
	made := known
	made.Points = withBegun(now, known)
	last, rolled := Latest(made)
	switch {
	case !rolled:
		return unknown("")
	case now.Image == last.Image:
		return beforeLatest(now, made)
	case setBack(now, known) != "", now.Alias && now.Version < last.Version:
		to := now.recorded(ledger.Point{Image: now.Image, Version: now.Version}, last.Was)
		return Decision{To: to, There: now.led(known, to)}
	default:
		return latestAlone(now, made)
	}
}

// latestAlone leads $Latest back where that launches what was rolled last, and a person has made another image the
// default: that stays.
func latestAlone(now state, known ledger.TargetRecord) Decision {
	r := beforeLatest(now, known)
	if now.Alias || now.Top != known.Points[0].Image || r.Problem != "" {
		return strange(now)
	}
	r.To.Was = &ledger.Was{
		Default: ledger.Version{Number: now.Default, Image: now.Image}, Latest: r.To.Was.Latest, Base: r.To.Was.Base,
	}
	r.To.Image = now.Image
	return r
}

// strange: what a person has put there is not undone unasked.
func strange(now state) Decision {
	return Decision{Problem: fmt.Sprintf("it has %s, which Goldsmith did not put there; name the image to go back to",
		orNothing(now.Image))}
}

// backAgain is for a target that was rolled back already.
func backAgain(now state, known ledger.TargetRecord, to ledger.Point) Decision {
	to.Version = now.Version
	if now.Image != to.Image && !slices.Contains(rolledAfter(now, known, to), now.Image) {
		return strange(now)
	}
	return Decision{To: to, There: now.led(known, to)}
}

// recorded is a point with what each pointer had, as far as a roll has recorded that.
func (s state) recorded(to ledger.Point, was *ledger.Was) ledger.Point {
	switch {
	case s.Alias:
	case was != nil && was.Default.Image == to.Image:
		to.Was = was
	default:
		to.Was = &ledger.Was{Default: ledger.Version{Image: to.Image}, Latest: ledger.Version{Image: to.Image}}
	}
	return to
}

// withBegun are the target's points, with those of a roll that did not live to
// record its end: what it began from is what was before.
func withBegun(now state, known ledger.TargetRecord) []ledger.Point {
	begun := known.Begun
	if begun == nil || begun.To.Image != now.Image || begun.From.Image == now.Image {
		return known.Points
	}
	to, from := now.Point(), begun.From
	to.Was, from.Was = from.Was, nil
	return append([]ledger.Point{to, from}, known.Points...)
}

// beforeLatest leads to the image before the latest point's, no matter who made it. An alias that had
// none has nothing to go back to.
func beforeLatest(now state, known ledger.TargetRecord) Decision {
	last := known.Points[0]
	was := last.Was
	for _, p := range known.Points[1:] {
		if p.Image == last.Image {
			was = cmp.Or(p.Was, was)
			continue
		}
		if p.Image == "" && now.Alias {
			break
		}
		return Decision{To: now.recorded(ledger.Point{Image: p.Image}, was)}
	}
	return unknown(" " + last.Image)
}

// unknown: what has nothing to go back to stays, until a person names an image.
func unknown(image string) Decision {
	return Decision{Problem: "nothing is known of what it had before" + image + "; name the image to go back to"}
}

func orNothing(image string) string {
	if image == "" {
		return "no image"
	}
	return image
}
