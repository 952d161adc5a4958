package night_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/plan"
)

// untilImaged is a plan on request whose instances stay down until their images are there, one at a time.
func untilImaged() plan.Plans {
	return demand(func(p *plan.Plan) { p.Restart, p.Roll.Skip, p.Concurrency = plan.Available, true, 1 })
}

// downForLong has an image of a source take hours, and asks for it; an hour later it is still down.
func (n *night) downForLong(id string, long time.Duration) {
	n.t.Helper()
	n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: id, Delay: long})
	n.ask(id, "now")
	time.Sleep(time.Hour)
	n.want("state", n.EC2.State(id), ec2.Stopped)
}

// A source that a person starts while its image is being made gives its place to the next, and nobody is told that it
// was down for as long as the image took.
func TestAStartByHandFreesThePlace(t *testing.T) {
	play(t, stack.Options{Plans: untilImaged(), History: true}, func(n *night) {
		n.excused.dead = true
		web, api := n.launch("web", ""), n.launch("api", "")
		n.begin()
		n.downForLong(web, 5*time.Hour)
		n.starts(web)
		time.Sleep(10 * time.Minute)
		n.ask(api, "now")
		time.Sleep(40 * time.Minute)
		n.want("images of api", len(n.imagesOf(api)), 1)
		n.finish()
		n.want("told of five hours down", strings.Contains(n.said(), "down 5h"), false)
		n.want("starts of web that a run sent", len(n.callsOf("StartInstances", web)), 0)
	})
}

// What a person has started and stopped again while its image was being made stays stopped, whatever becomes of the run
// and of the ledger, and whether a look fell between the two or not.
func TestAPersonStopsWhatWaitsForItsImage(t *testing.T) {
	for _, lost := range []bool{false, true} {
		for _, aborted := range []bool{false, true} {
			for _, up := range []time.Duration{time.Minute, 30 * time.Minute} {
				t.Run(fmt.Sprint("up for ", up, ", ledger lost ", lost, ", aborted ", aborted), func(t *testing.T) {
					t.Parallel()
					play(t, stack.Options{Plans: untilImaged(), History: true}, func(n *night) {
						n.excused.dead = true
						web := n.launch("web", "")
						n.begin()
						n.downForLong(web, 4*time.Hour)
						n.starts(web)
						time.Sleep(up)
						n.stops(web)
						n.excused.stopped[web] = true
						time.Sleep(30 * time.Minute)
						if lost {
							n.lose()
						}
						if aborted {
							n.abortAll()
						}
						time.Sleep(8 * time.Hour)
						n.want("state", n.EC2.State(web), ec2.Stopped)
						n.want("starts that a run sent", len(n.callsOf("StartInstances", web)), 0)
					})
				})
			}
		}
	}
}
