package night_test

import (
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
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
			play(t, stack.Options{Plans: nightly(thirtyDays)}, func(n *night) {
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
	play(t, stack.Options{Plans: nightly(thirtyDays)}, func(n *night) {
		web := n.launch("web", "")
		n.ok(n.tagAs(web, map[string]string{tag.Keep: "last=2"}))
		for k := range 3 {
			n.nights(k)
		}
		n.want("kept", len(n.kept(web)), 2)
	})
}

// A source is terminated by mistake, and another of its name asks for images and takes the name: it pushes none of the
// first one's out below the minimum, whatever it wishes for.
func TestAnotherTakesTheNameOfWhatHasEnded(t *testing.T) {
	t.Parallel()
	for _, wish := range []string{"", "last=2"} {
		t.Run(wish, func(t *testing.T) {
			play(t, stack.Options{Plans: nightly(func(p *plan.Plan) {
				p.Keep = plan.Keep{Last: 3, Minimum: 2, Grace: plan.Duration(72 * time.Hour)}
			})}, func(n *night) {
				web := n.launch("web", "")
				for k := range 3 {
					n.nights(k)
				}
				made := n.kept(web)
				n.as(web, ec2.Terminated)
				n.excused.stopped[web] = true
				delete(n.fleet, "web")
				other := n.launch("test", "Name=web unenrolled")
				if wish != "" {
					n.ok(n.tagAs(other, map[string]string{tag.Keep: wish}))
				}
				for day := 4; day < 10; day++ {
					n.request(other)
					time.Sleep(time.Until(due.AddDate(0, 0, day)) + time.Hour)
				}
				for _, id := range made {
					n.want(id, n.is(id), "available")
				}
			})
		})
	}
}

// A living source of the name of one that ended long ago, before owners were recorded, lets none of its images go.
func TestAStrangerAndWhatHasEnded(t *testing.T) {
	play(t, stack.Options{Plans: nightly(thirtyDays)}, func(n *night) {
		var ids []string
		for k := 9; k > 5; k-- {
			ids = append(ids, n.old("web", "i-0123456789abcdef0", k))
		}
		web := n.launch("web", "")
		n.ok(n.tagAs(web, map[string]string{tag.Keep: "last=1"}))
		for k := range 4 {
			n.until(k)
		}
		for _, id := range ids {
			n.want(id, n.is(id), "available")
		}
	})
}
