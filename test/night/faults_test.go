package night_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/query"
	"goldsmith/local/sfn"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// trouble is something that goes wrong with one of four sources in one night,
// and what must come of it: a row of docs/reliability.md.
type trouble struct {
	what  string           // as the page says it
	plan  func(*plan.Plan) // what the plan says besides
	story func(n *night, web, template string)
	want  comes
}

// comes is what must come of a trouble, besides what holds of every night: the
// other sources are imaged, and the invariants hold.
type comes struct {
	ending  job.Ending
	problem string    // part of the result's problem
	state   ec2.State // of an instance that is left stopped, when its run ends; any other runs
	says    []string  // parts of the run's one message

	// back is the most that may pass from the stop sent to running again, by
	// recover if need be; 0 is for an instance that is never stopped, or stays
	// down until a person comes.
	back time.Duration
	// drawn is set where that depends on pauses that the SDK draws at random, so
	// that the page can only give the most.
	drawn bool
	also  func(n *night, r sfn.Execution, web string)
}

// story is what the page tells of a trouble that was played.
type story struct{ what, became, back, said string }

// amongOthers plays a night in which something happens to one of four sources:
// the others must be imaged whatever becomes of it.
func amongOthers(t *testing.T, begin func(n *night, web, template string),
	told func(n *night, r sfn.Execution, web string)) {
	t.Helper()
	among(t, nightly(), begin, told)
}

func among(t *testing.T, plans plan.Plans, begin func(n *night, web, template string),
	told func(n *night, r sfn.Execution, web string)) {
	t.Helper()
	play(t, stack.Options{Plans: plans}, func(n *night) {
		web := n.launch("web", "")
		disk := "gp3 st1"
		if plans.Plans[plans.Default].Strict {
			disk = "gp3" // a strict plan leaves slow volumes alone
		}
		others := []string{n.launch("api", ""), n.launch("db", disk), n.launch("rest", "stopped")}
		template := n.template("web", "web", "t3.micro", ec2.ImageX86)
		n.begin()
		begin(n, web, template)
		r := n.run()[0]
		for _, id := range others {
			n.wasImaged(r, id)
		}
		n.want("status", r.Status, asl.Succeeded)
		told(n, r, web)
	})
}

// play plays the night and holds it against what must come of it.
func (c trouble) play(t *testing.T) (told story) {
	t.Helper()
	plans := nightly()
	if c.plan != nil {
		plans = nightly(c.plan)
	}
	among(t, plans, c.story, func(n *night, r sfn.Execution, web string) {
		told = story{what: c.what, became: c.want.became(), said: n.decisive(r, web, c.want)}
		c.want.hold(n, r, web)
		told.back = c.want.isBack(n, r, web)
	})
	return told
}

func (w comes) became() string {
	switch {
	case w.ending == job.LeftStopped && w.back > 0:
		return "left stopped, then brought back by recover"
	case w.ending == job.LeftStopped:
		return "left stopped, and tried again at every sweep"
	default:
		return string(w.ending)
	}
}

func (w comes) hold(n *night, r sfn.Execution, web string) {
	n.t.Helper()
	n.want("ending", n.results(r)[web].Ending, w.ending)
	if w.ending == job.Broken || w.ending == job.LeftStopped {
		n.hasFailed(r, web, w.ending, w.problem)
		n.saysOf(r, "PARTIAL: nightly", "3 imaged")
	}
	n.saysOf(r, w.says...)
	state := ec2.Running
	if w.ending == job.LeftStopped {
		state = w.state
	}
	n.want("state when the run ended", n.EC2.State(web), state)
	if w.also != nil {
		w.also(n, r, web)
	}
}

// isBack waits until the instance runs again, and says after how long.
func (w comes) isBack(n *night, r sfn.Execution, web string) string {
	n.t.Helper()
	stops := n.stopsOf(web)
	switch {
	case len(stops) == 0 && w.back == 0:
		return "never stopped"
	case w.back == 0 && n.EC2.State(web) != ec2.Running:
		return "not before a person helps"
	case len(stops) == 0:
		n.t.Errorf("%s was not stopped", web)
		return ""
	}
	back := n.waited(r, web, stops[0].Time, w.back)
	if n.EC2.State(web) != ec2.Running || back > w.back || back < 0 {
		n.t.Errorf("%s is %s, %s after its stop was sent; want it back within %s", web, n.EC2.State(web), back, w.back)
	}
	if w.drawn {
		return "within " + plan.Duration(w.back).String()
	}
	return plan.Duration(back.Round(time.Second)).String()
}

// waited waits until the instance runs again, but not longer than most, and says
// after how long it did.
func (n *night) waited(r sfn.Execution, web string, sent time.Time, most time.Duration) time.Duration {
	n.t.Helper()
	for n.EC2.State(web) != ec2.Running && time.Since(sent) <= most {
		time.Sleep(time.Second)
	}
	back := n.launched(web).Add(n.EC2.Times(web).Start).Sub(sent)
	if seen := n.results(r)[web].Times; seen.Downtime() > 0 && seen.Running.Sub(sent) > back {
		back = seen.Downtime() // what people are told
	}
	return back
}

// launched is when an instance was started last; EC2 shows full seconds.
func (n *night) launched(id string) time.Time {
	n.t.Helper()
	out := must(n.cloud.DescribeInstances(n.ctx, &sdk.DescribeInstancesInput{InstanceIds: []string{id}}))(n.t)
	return aws.ToTime(out.Reservations[0].Instances[0].LaunchTime)
}

// stopsOf are the stops that the functions sent, and EC2 took.
func (n *night) stopsOf(id string) []query.Record {
	var took []query.Record
	for _, c := range n.callsOf("StopInstances", id) {
		if c.Error == "" {
			took = append(took, c)
		}
	}
	return took
}

// seconds are those that a source was down.
var seconds = regexp.MustCompile(`down [0-9hms]+`)

// decisive is the line of the run's message that says what became of a source.
func (n *night) decisive(r sfn.Execution, web string, w comes) string {
	var all []string
	for _, message := range n.messagesOf(r) {
		for line := range strings.Lines(message) {
			all = append(all, strings.Trim(line, "│ \n•"))
		}
	}
	for _, part := range append(append([]string{w.problem}, w.says...), web) {
		for _, line := range all {
			if part != "" && strings.Contains(line, part) {
				if w.drawn {
					return seconds.ReplaceAllString(line, "down …")
				}
				return line
			}
		}
	}
	return ""
}
