package night_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"goldsmith/local/account"
	"goldsmith/local/ec2"
	"goldsmith/local/query"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// denyingStarts denies StartInstances to function start alone, dry runs too: those of claim and the sweep's starts
// pass.
func denyingStarts(denied *atomic.Bool) layer {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			caller := r.Header.Get(query.CallerHeader)
			if denied.Load() && strings.HasPrefix(caller, "start/") && account.Operation(r) == "StartInstances" {
				account.Deny(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// Function start may start nothing: it is asked before anything is stopped, on schedule or asked for.
func TestWhatFunctionStartMayNotStart(t *testing.T) {
	var denied atomic.Bool
	denied.Store(true)
	play(t, stack.Options{Plans: few(), Guard: guarded(denyingStarts(&denied))}, func(n *night) {
		n.launchMany(120)
		lab := n.launch("lab", "unenrolled")
		n.begin()
		n.ask(lab, "now")
		for _, r := range n.run() {
			for id, result := range n.results(r) {
				n.want("reason of "+id, result.Skip.Code, job.CannotStart)
			}
		}
		n.want("stops", n.stoppedOnes(), 0)
		n.says("nightly", "See that function start's role may start it")
		denied.Store(false)
		n.finishAfter(due.Add(24 * time.Hour))
		n.want("images", len(n.imagesOf(n.ids()[0])), 1)
	})
}

// Function start may start nothing from the first stop on, and the sweep brings back what it cannot. That is no
// reason to stop the next: a fleet would go down and up by twos.
func TestWhatOnlyTheSweepMayStart(t *testing.T) {
	for _, fleet := range []int{3, 30} {
		var denied atomic.Bool
		play(t, stack.Options{Plans: few(), Guard: guarded(denyingStarts(&denied))}, func(n *night) {
			n.excused.dead = true
			n.launchMany(fleet)
			n.begin()
			n.after("stop", "", func(work) { denied.Store(true) })
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

// Once function start may start what it was denied, or a person has seen to it, others are stopped again.
func TestADenialIsLifted(t *testing.T) {
	for _, exempted := range []bool{true, false} {
		t.Run(fmt.Sprint("exempted ", exempted), func(t *testing.T) { liftsADenial(t, exempted) })
	}
}

func liftsADenial(t *testing.T, exempted bool) {
	var denied atomic.Bool
	guard := guarded(denyingStarts(&denied))
	plans := demand(func(p *plan.Plan) { p.Roll.Skip = true })
	play(t, stack.Options{Plans: plans, Guard: guard}, func(n *night) {
		n.excused.dead = true
		web, api, db := n.launch("web", ""), n.launch("api", ""), n.launch("db", "")
		n.begin()
		n.after("stop", web, func(work) { denied.Store(true) })
		n.ask(web, "now")
		time.Sleep(20 * time.Minute)
		n.ask(api, "now")
		time.Sleep(5 * time.Minute)
		n.want("stops of api", len(n.stopsOf(api)), 0)
		denied.Store(false)
		if exempted {
			n.ok(n.exempts(event.Exempt{Source: web, By: "ada"}))
			n.says(web, "ada has others stopped again")
		}
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
		n.EC2.Inject(ec2.Fault{Action: "StartInstances", StartReason: "Client.InternalError",
			Message: "Client error on launch"})
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
	for _, code := range []string{"Server.InsufficientInstanceCapacity", "Client.VolumeLimitExceeded",
		"Server.InternalError"} {
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
