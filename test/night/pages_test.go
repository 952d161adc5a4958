package night_test

import (
	"strings"
	"testing"

	"goldsmith/local/inject"
	"goldsmith/local/stack"
	"goldsmith/shared/bucket"
	"goldsmith/shared/plan"
)

// The page that a message leads to lies in the suite's bucket when its run has ended. Whatever S3 does changes nothing
// else of a night: the image is made and rolled, people hear of it once, and the run ends as it did.
func TestPages(t *testing.T) {
	plans := nightly(func(p *plan.Plan) { p.Notify.Link = plan.Presigned })
	for name, c := range map[string]struct {
		plans plan.Plans
		code  string
		times int
		pages int
	}{
		"written":               {plans, "", 0, 1},
		"nobody asks for pages": {nightly(), "", 0, 0},
		"S3 is busy at first":   {plans, "SlowDown", 30, 1},
		"S3 is busy for long":   {plans, "SlowDown", 0, 0},
		"S3 refuses":            {plans, "AccessDenied", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, stack.Options{Plans: c.plans}, func(n *night) {
				web := n.launch("web", "")
				if c.code != "" {
					n.Inject(inject.Fault{Action: "PutObject", Code: c.code, Times: c.times})
				}
				n.begin()
				r := n.run()[0]
				n.wasImaged(r, web)
				n.want("execution", r.Status, "SUCCEEDED")
				n.want("messages", len(n.messagesOf(r)), 1)
				pages := n.Buckets.Objects("goldsmith-pages-123456789012")
				n.want("pages", len(pages), c.pages)
				for _, page := range pages {
					n.want("place", page.Key, bucket.Key(r.Name))
					n.want("tells of the source", strings.Contains(string(page.Body), web), true)
					n.want("says that it runs", strings.Contains(string(page.Body), "RUNNING"), false)
				}
			})
		})
	}
}
