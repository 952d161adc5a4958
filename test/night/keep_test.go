package night_test

import (
	"testing"
	"time"

	"goldsmith/local/suite"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// thirtyDays keeps what a month's nights made.
func thirtyDays(p *plan.Plan) {
	p.Keep = plan.Keep{Daily: 30, Minimum: 1, Grace: plan.Duration(time.Hour)}
}

// Tags on images let none of them go: what decides is what their source wished for when it was claimed.
func TestTagsOnImagesLetNoneGo(t *testing.T) {
	for _, wish := range []string{"last=1", "yearly=1 minimum=1", "daily=1"} {
		t.Run(wish, func(t *testing.T) {
			play(t, suite.Options{Plans: nightly(thirtyDays)}, func(n *night) {
				web := n.launch("web", "stopped unenrolled")
				n.launch("other", "")
				var ids []string
				for k := 9; k > 0; k-- {
					ids = append(ids, n.old("web", web, k), n.old("db", "i-0123456789abcdef0", k))
				}
				for _, id := range ids {
					n.ok(n.tagAs(id, map[string]string{tag.Keep: wish}))
				}
				n.until(0)
				n.until(1)
				for _, id := range ids {
					n.want(id, n.is(id), "available")
				}
			})
		})
	}
}

// A source's own wish is written down with its images, and holds whatever their tags say later.
func TestAWishIsOfItsSource(t *testing.T) {
	play(t, suite.Options{Plans: nightly(thirtyDays)}, func(n *night) {
		web := n.launch("web", "")
		n.ok(n.tagAs(web, map[string]string{tag.Keep: "last=2"}))
		for k := range 3 {
			n.nights(k)
		}
		n.want("kept", len(n.kept(web)), 2)
	})
}
