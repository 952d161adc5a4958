package rollout

import (
	"slices"
	"strconv"
	"strings"

	"goldsmith/shared/ledger"
)

// mostGroups is how many groups are remembered with a roll: more than one roll refreshes, and 4 KB of its record.
const mostGroups = 100

// groupPrefix begins the name of a launcher that is an Auto Scaling group.
const groupPrefix = "group "

// was is what launches from a template now: what an undo gives back to each pointer and to each group.
func (t *template) was() *ledger.Was {
	was := &ledger.Was{Default: t.version(t.defaultVersion), Latest: t.version(t.latest), Base: t.version(t.base)}
	for _, l := range t.launchers {
		n, err := strconv.ParseInt(l.version, 10, 64)
		if _, known := t.versions[n]; !l.group || err != nil || !known {
			continue
		}
		if was.Groups == nil {
			was.Groups = map[string]int64{}
		}
		// A group that names several numbers goes back to the one that the roll's version is made from, if it names that.
		name := strings.TrimPrefix(l.name, groupPrefix)
		if was.Groups[name] != t.base && (len(was.Groups) < mostGroups || was.Groups[name] != 0) {
			was.Groups[name] = n
		}
	}
	return was
}

func (t *template) version(n int64) ledger.Version {
	return ledger.Version{Number: n, Image: t.image(n)}
}

// versions are what $Default and $Latest go back to. Where a roll did not record what each was, or a person has named
// an image, both go back to one.
func versions(to ledger.Point) (standard, latest ledger.Version) {
	if to.Was == nil {
		return ledger.Version{Image: to.Image}, ledger.Version{Image: to.Image}
	}
	return to.Was.Default, to.Was.Latest
}

// images are all images that something goes back to.
func images(to ledger.Point) []string {
	all := []string{to.Image}
	if to.Was != nil {
		for _, v := range []ledger.Version{to.Was.Default, to.Was.Latest, to.Was.Base} {
			if v.Number != 0 {
				all = append(all, v.Image)
			}
		}
	}
	return all
}

// undone are the images that a target leaves behind when it goes back to a point: those that were rolled after it, and
// what it has now.
func undone(now state, known ledger.TargetRecord, to ledger.Point) []string {
	all := rolledAfter(now, known, to)
	if now.Image != "" && !slices.Contains(all, now.Image) && !slices.Contains(images(to), now.Image) {
		all = append(all, now.Image)
	}
	return all
}

// rolledAfter are the images that were rolled after a point.
func rolledAfter(now state, known ledger.TargetRecord, to ledger.Point) (all []string) {
	back := images(to)
	for _, p := range withBegun(now, known) {
		if slices.Contains(back, p.Image) {
			break
		}
		rolled := p.Run != "" || len(all) == 0
		if rolled && p.Image != "" && !slices.Contains(all, p.Image) {
			all = append(all, p.Image)
		}
	}
	return all
}
