package night_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/local/query"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// denyingStarts denies StartInstances to function start alone: dry runs of other roles and the sweep's starts pass.
func denyingStarts(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get(query.CallerHeader), "start/") && actionOf(r) == "StartInstances" {
			deny(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Function start may start nothing, which only a stop shows, and the sweep brings back what it cannot. That is no
// reason to stop the next: a fleet would go down and up by twos.
func TestWhatOnlyTheSweepMayStart(t *testing.T) {
	for _, fleet := range []int{3, 30} {
		play(t, stack.Options{Plans: few(), Guard: guarded(denyingStarts)}, func(n *night) {
			n.excused.dead = true
			n.launchMany(fleet)
			n.begin()
			time.Sleep(time.Until(due.Add(13 * time.Hour)))
			if n.stoppedOnes() > 2 {
				n.t.Errorf("%d of %d were stopped one after the other", n.stoppedOnes(), fleet)
			}
			for _, id := range n.ids() {
				n.want("state of "+id, n.EC2.State(id), ec2.Running)
			}
			n.says("nightly", "function start may not start instances")
		})
	}
}

// A person who has seen to it lets others be stopped again.
func TestADenialIsLifted(t *testing.T) {
	denied := true
	guard := guarded(func(next http.Handler) http.Handler {
		other := denyingStarts(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if denied {
				other.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	plans := demand(func(p *plan.Plan) { p.Roll.Skip = true })
	play(t, stack.Options{Plans: plans, Guard: guard}, func(n *night) {
		n.excused.dead = true
		web, api, db := n.launch("web", ""), n.launch("api", ""), n.launch("db", "")
		n.begin()
		n.ask(web, "now")
		time.Sleep(20 * time.Minute)
		n.ask(api, "now")
		time.Sleep(5 * time.Minute)
		n.want("stops of api", len(n.stopsOf(api)), 0)
		denied = false
		n.ok(n.exempts(event.Exempt{Source: web, By: "ada"}))
		n.says(web, "ada has others stopped again")
		n.ask(db, "now")
		n.finish()
		n.want("images of db", len(n.imagesOf(db)), 1)
	})
}

// The claim of what is down is lost, as by a person who removes a record: what would stay down too is not stopped.
func TestAMarkWhoseClaimIsLost(t *testing.T) {
	plans := with(few(), "lab", func(p *plan.Plan) { p.Schedule = ""; p.Roll.Skip = true })
	play(t, stack.Options{Plans: plans, History: true}, func(n *night) {
		n.excused.dead = true
		web, api := n.launch("web", ""), n.launch("api", "m5.large plan=lab")
		n.begin()
		n.EC2.Inject(ec2.Fault{Action: "StartInstances", StartReason: "Client.InternalError", Message: "Client error on launch"})
		time.Sleep(time.Until(due.Add(61 * time.Minute)))
		n.losesClaims()
		n.ask(api, "lab")
		time.Sleep(time.Hour)
		n.want("stops of api", len(n.stopsOf(api)), 0)
		n.excused.stopped[web] = true
	})
}

// EC2 takes a start back for want of room, or since it failed inside, for twenty minutes: it is sent again, and the
// image is made and rolled.
func TestAStartThatIsTakenBackForAWhile(t *testing.T) {
	for _, code := range []string{"Server.InsufficientInstanceCapacity", "Client.VolumeLimitExceeded", "Server.InternalError"} {
		t.Run(code, func(t *testing.T) {
			play(t, stack.Options{}, func(n *night) {
				n.excused.dead = true
				web := n.launch("web", "")
				template := n.template("web", "web", "t3.micro", ec2.ImageX86)
				n.EC2.Inject(ec2.Fault{Action: "StartInstances", StartReason: code, Message: "no room",
					Until: due.Add(20 * time.Minute)})
				r := n.run()[0]
				got := n.results(r)[web]
				n.want("ending", got.Ending, job.Imaged)
				n.want("state", n.EC2.State(web), ec2.Running)
				n.want("launched", n.defaultImage(template), got.Image.ID)
				n.noSlots()
			})
		})
	}
}

// EC2 says nothing of a type, or not whether a stop loses data: nothing is stopped, and that is told.
func TestWhatIsNotSaidOfATypeMayBeLost(t *testing.T) {
	for name, l := range map[string]layer{
		"the type":  answering("DescribeInstanceTypes", "<instanceType>m5d.large<", "<instanceType>m5d.other<"),
		"the field": answering("DescribeInstanceTypes", "instanceStorageSupported", "somethingElse"),
	} {
		t.Run(name, func(t *testing.T) {
			play(t, stack.Options{Guard: guarded(l)}, func(n *night) {
				web, lab := n.launch("web", "m5d.large"), n.launch("lab", "m5d.large unenrolled")
				n.begin()
				n.ask(lab, "now")
				r := n.run()[0]
				n.wasSkipped(r, web, job.StoreUnseen)
				n.want("stops", len(n.stopsOf(web))+len(n.stopsOf(lab)), 0)
			})
		})
	}
}
