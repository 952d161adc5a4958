package rollout

import (
	"fmt"

	"goldsmith/shared/ledger"
)

// Return is what a rollback does to one target.
type Return struct {
	// To is where it goes. Without a version a new one is made, of what is default
	// now, so that what somebody has edited since stays.
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
	if back := backed(now, known); now.Image == image {
		if back != nil {
			to = *back
		}
		to.Version = now.Version
		return Return{To: to, There: true}
	}
	for _, p := range known.Points {
		if p.Image == image {
			return Return{To: exactly(now, known, p)}
		}
	}
	return Return{To: to}
}

func before(now State, known ledger.TargetRecord) Return {
	if back := backed(now, known); back != nil {
		return Return{To: *back, There: true}
	}
	made := known
	made.Points = withBegun(now, known)
	latest, rolled := Latest(made)
	switch {
	case !rolled:
		return Return{Problem: "nothing is known of what it had before"}
	case now.Image == latest.Image:
		return beforeLatest(now, made)
	case setBack(now, known) != "":
		return Return{To: now.Point(), There: true}
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

// beforeLatest leads to the image before the latest point's. An alias that had
// none has nothing to go back to.
func beforeLatest(now State, known ledger.TargetRecord) Return {
	latest := known.Points[0]
	for _, p := range known.Points[1:] {
		if p.Image == latest.Image {
			continue
		}
		if p.Image == "" && now.Alias {
			break
		}
		return Return{To: exactly(now, known, p)}
	}
	return Return{Problem: "nothing is known of what it had before " + latest.Image}
}

// exactly is a point to go back to: the version itself, when what is default now
// is one that Goldsmith knows; an edit of somebody's since is not lost.
func exactly(now State, known ledger.TargetRecord, to ledger.Point) ledger.Point {
	to = ledger.Point{Image: to.Image, Version: to.Version}
	for _, p := range known.Points {
		if p.Version == now.Version && p.Image == now.Image {
			return to
		}
	}
	to.Version = 0
	return to
}

func orNothing(image string) string {
	if image == "" {
		return "no image"
	}
	return image
}
