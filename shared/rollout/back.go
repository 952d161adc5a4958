package rollout

import (
	"fmt"

	"goldsmith/shared/ledger"
)

// Return is what a rollback does to one target.
type Return struct {
	// To is where it goes. A template gets a new version, of what is there now, so
	// that what somebody has edited since stays.
	To ledger.Point
	// There is whether it is there already.
	There bool
	// Problem says why it is left where it is.
	Problem string
}

// Back says where a target goes back to: to the image before the last roll, or
// to the image that is named. Asked twice, it goes back once.
func Back(now State, known ledger.TargetRecord, image string) Return {
	if image == "" {
		return before(now, known)
	}
	to := ledger.Point{Image: image}
	if back := backed(now, known); back != nil && back.Image == image {
		to = *back
	}
	if now.leads(image) {
		to.Version = now.Version
		return Return{To: to, There: true}
	}
	to.Version = 0
	return Return{To: to}
}

// leads reports whether all that a target may launch from by $Default and $Latest has an image.
func (s State) leads(image string) bool { return s.Image == image && (s.Alias || s.Top == image) }

func before(now State, known ledger.TargetRecord) Return {
	if back := backed(now, known); back != nil {
		to := *back
		to.Version = now.Version
		return Return{To: to, There: now.leads(back.Image)}
	}
	made := known
	made.Points = withBegun(now, known)
	last, rolled := Latest(made)
	switch {
	case !rolled:
		return Return{Problem: "nothing is known of what it had before"}
	case now.Image == last.Image:
		return beforeLatest(now, made)
	case setBack(now, known) != "", now.Alias && now.Version < last.Version:
		return Return{To: ledger.Point{Image: now.Image, Version: now.Version}, There: now.leads(now.Image)}
	default:
		return Return{Problem: fmt.Sprintf("it has %s, which Goldsmith did not put there; name the image to go back to", orNothing(now.Image))}
	}
}

// withBegun are the target's points, with those of a roll that did not live to
// record its end: what it began from is what was before.
func withBegun(now State, known ledger.TargetRecord) []ledger.Point {
	begun := known.Begun
	if begun == nil || begun.To.Image != now.Image || begun.From.Image == now.Image {
		return known.Points
	}
	return append([]ledger.Point{now.Point(), begun.From}, known.Points...)
}

// beforeLatest leads to the image before the latest point's, whoever made it. An alias that had
// none has nothing to go back to.
func beforeLatest(now State, known ledger.TargetRecord) Return {
	last := known.Points[0]
	for _, p := range known.Points[1:] {
		if p.Image == last.Image {
			continue
		}
		if p.Image == "" && now.Alias {
			break
		}
		return Return{To: ledger.Point{Image: p.Image}}
	}
	return Return{Problem: "nothing is known of what it had before " + last.Image}
}

func orNothing(image string) string {
	if image == "" {
		return "no image"
	}
	return image
}
