package command

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"goldsmith/shared/usage"
)

func (l listed) print(p *page, now time.Time) {
	if l.Note != "" {
		p.line("%s", clean(l.Note))
	}
	if len(l.Images) == 0 {
		p.line("no images")
		return
	}
	columns := l.columns(now)
	rows := make([][]string, len(l.Images)+1)
	for _, c := range columns {
		rows[0] = append(rows[0], c.head)
		for n, i := range l.Images {
			rows[n+1] = append(rows[n+1], c.of(i))
		}
	}
	p.table(rows)
	p.line("")
	p.line("  %s", count(len(l.Images), "image"))
	if n := l.unregistered(); n > 0 {
		p.line("  %s not registered; goldsmith adopt --all --dry says why", areOrIs(n))
	}
	if l.uses {
		p.line("  not looked at: %s", strings.Join(usage.Unseen, "; "))
	}
	for _, s := range l.Servers {
		s.print(p)
	}
}

// column is one of the table's: what it says of an image.
type column struct {
	head string
	of   func(goldenImage) string
}

// columns are those of which there is anything to say.
func (l listed) columns(now time.Time) []column {
	or := func(of func(goldenImage) string, none string) func(goldenImage) string {
		return func(i goldenImage) string { return cmp.Or(of(i), none) }
	}
	all := []column{
		{"OF", func(i goldenImage) string { return i.Of }}, {"IMAGE", func(i goldenImage) string { return i.ID }},
		{"REGION", func(i goldenImage) string { return i.Region }},
		{"STATE", func(i goldenImage) string { return i.State }},
		{"MADE", func(i goldenImage) string { return stamp(i.Made) }},
		{"AGE", func(i goldenImage) string { return span(now.Sub(i.Made)) }},
		{"RUN", func(i goldenImage) string { return i.Run }},
		{"KEY", or(goldenImage.keyed, "-")}, {"SHARED WITH", or(goldenImage.with, "-")},
		{"KIND", func(i goldenImage) string { return map[bool]string{true: "general", false: "own"}[i.General] }},
		{"WITHOUT", func(i goldenImage) string { return cmp.Or(strings.Join(i.Without, " "), "-") }},
		{"NEXT", func(i goldenImage) string { return cmp.Or(i.Next, "-") }},
		{"USED BY", func(i goldenImage) string { return cmp.Or(strings.Join(i.Uses, "; "), "nothing") }},
	}
	has := map[string]bool{
		"REGION": slices.ContainsFunc(l.Images, func(i goldenImage) bool { return i.Region != l.home }), "USED BY": l.uses,
		"KEY":         slices.ContainsFunc(l.Images, func(i goldenImage) bool { return len(i.Keys) > 0 }),
		"KIND":        slices.ContainsFunc(l.Images, func(i goldenImage) bool { return i.General }),
		"WITHOUT":     slices.ContainsFunc(l.Images, func(i goldenImage) bool { return len(i.Without) > 0 }),
		"SHARED WITH": slices.ContainsFunc(l.Images, func(i goldenImage) bool { return i.Shared != nil }),
	}
	return slices.DeleteFunc(all, func(c column) bool { said, asked := has[c.head]; return asked && !said })
}

// unregistered counts images at home alone: copies of others are nobody's to adopt.
func (l listed) unregistered() (n int) {
	for _, i := range l.Images {
		if i.Unregistered && i.Region == l.home {
			n++
		}
	}
	return n
}

func areOrIs(n int) string {
	if n == 1 {
		return "1 of them is"
	}
	return fmt.Sprintf("%d of them are", n)
}
