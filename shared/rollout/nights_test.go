package rollout_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"goldsmith/test/steptest"
)

// What becomes of rolls, rollbacks and what persons do between, in worlds that are drawn. A change of what is decided,
// written or told anywhere in them has to be looked at (-update writes testdata/drawn.txt anew).
func TestDrawnWorlds(t *testing.T) {
	steptest.Transcripts(t, *update, "drawn.txt", 60, func(t *testing.T, number int) (said string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			d := newDrawn(t, number)
			d.looks()
			for night := range 5 {
				d.night(night)
				d.looks()
			}
			said = d.short(d.log.String())
		})
		return said
	})
}

// night is one of what may happen.
func (d *drawn) night(number int) {
	d.Helper()
	n := d.IntN(len(d.templates))
	tonight := attempt{d.Web, d.images[[]string{"new", "next", "last", "new", "next"}[number]], fmt.Sprint("run", number)}
	switch d.IntN(10) {
	case 0:
		if number > 1 {
			tonight.source = d.twin
		}
	case 1:
		d.say("- a person edits lt%d", n)
		d.edited(n, d.drawnData(d.first[n]))
	case 2:
		d.say("- a person sets the default of lt%d", n)
		d.standard(n, 1+d.IntN(4))
	case 3:
		d.say("- a person writes a parameter")
		d.parameter(pick(d, "/golden/web", "/goldsmith/images/web"), pick(d, "old", "other", "windows"))
	case 4, 5:
		d.does("rolled back", func() error { return d.undoes("") })
		time.Sleep(time.Hour)
	case 6:
		d.does("rolled back to other", func() error { return d.undoes("other") })
		time.Sleep(time.Hour)
	case 7:
		d.does("let follow", d.follows)
	}
	d.does(fmt.Sprintf("%s rolls %s", tonight.run, tonight.image), func() error { return d.rolls(tonight) })
	time.Sleep(time.Hour)
	if d.odds(4) {
		d.does("and again", func() error { return d.rolls(d.last) })
	}
}
