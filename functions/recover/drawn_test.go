package recovery_test

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	recovery "goldsmith/functions/recover"
	"goldsmith/local/ec2"
	"goldsmith/shared/event"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

var update = flag.Bool("update", false, "write the transcripts in testdata anew")

// drawn is what chance has left behind: sources with claims, slots, tags, requests, images and test instances, of runs
// that go on, have ended, or that nothing knows.
type drawn struct {
	*steptest.Stage
	*rand.Rand
	plans   plan.Plans
	sources []string
	// names stand for ids in what is written down.
	names []string
	log   strings.Builder
	seen  []string
	// made is the image of the source that is drawn.
	made string
	told int
	// more are runs of which the results are looked at, too, beside those that are drawn.
	more []string
	// step makes recover, as it is deployed.
	step func() recovery.Step
}

// runsDrawn are the runs of the worlds: one goes on, two were cut off, of one nothing is known but its name.
var runsDrawn = []string{
	"nightly-20000101T010000Z", "nightly-20000101T020000Z", "weekly-20000101T030000Z", "unheard-of",
}

func newDrawn(t *testing.T, number, sources int) *drawn {
	t.Helper()
	d := &drawn{Stage: steptest.New(t), Rand: rand.New(rand.NewPCG(uint64(number), 2))} //nolint:gosec // no secrets
	d.plans = nightlyOf(d.Stage)
	tested := d.Plan
	tested.Name, tested.Verify.Boot = "weekly", true
	d.plans.Plans["weekly"] = tested
	d.step = func() recovery.Step { return account(d.Stage, d.plans) }
	d.runs()
	for n := range sources {
		id := d.Web
		if n > 0 {
			id = d.Launch("web"+fmt.Sprint(n), nil)
		}
		d.sources, d.names = append(d.sources, id), append(d.names, id, fmt.Sprint("i-", n))
	}
	for n, id := range d.sources {
		d.source(n, id)
	}
	return d
}

// odds are one in so many.
func (d *drawn) odds(most int) bool { return d.IntN(most) == 0 }

func pick[T any](d *drawn, from ...T) T { return from[d.IntN(len(from))] }

// ago is a moment up to so long ago.
func (d *drawn) ago(most time.Duration) time.Time {
	return time.Now().Add(-time.Duration(d.Int64N(int64(most)))).UTC().Truncate(time.Second)
}

func (d *drawn) runs() {
	for n, run := range runsDrawn {
		name, _, _ := strings.Cut(run, "-")
		r := ledger.Run{Name: run, Plan: name, Execution: executionARN + run, Scheduled: time.Now(), Started: time.Now()}
		if n == 3 || d.odds(4) {
			continue
		}
		d.Execute(run)
		d.Must(d.Ledger.Kept.PutRun(d.Context(), r))
		if n == 0 {
			continue
		}
		if d.odds(3) {
			r.Ended, r.Outcome = time.Now(), string(plan.Partial)
			d.Must(d.Ledger.Kept.PutRun(d.Context(), r))
		}
		if d.Abort(r.Execution); d.odds(2) {
			_, err := d.Ledger.Kept.Notified(d.Context(), run, time.Now())
			d.Must(err)
		}
	}
	time.Sleep(pick(d, time.Minute, 10*time.Minute, time.Hour, 3*time.Hour))
}

// source has what was done to one source.
func (d *drawn) source(n int, id string) {
	run := pick(d, runsDrawn...)
	name, _, _ := strings.Cut(run, "-")
	c := ledger.Claim{
		Source: id, Kind: job.Instance, Name: pick(d, "web", fmt.Sprint("web", n)), Run: run, Plan: pick(d, name, "nightly"),
		Execution: executionARN + run, Since: d.ago(5 * time.Hour), WasRunning: !d.odds(5), Looked: true,
	}
	if !d.odds(4) {
		c.StopSent = d.ago(3 * time.Hour)
		c.StopTried = pick(d, time.Time{}, c.StopSent)
		c.Left, c.Started = pick(d, time.Time{}, d.ago(time.Hour)), pick(d, time.Time{}, d.ago(time.Hour))
		c.Problem = pick(d, "", "it cannot be started: no room")
	}
	if d.odds(8) {
		c.Kind = job.Snapshot
	}
	d.made = ""
	d.image(n, c)
	d.bootTest(c)
	d.result(c)
	switch d.IntN(6) {
	case 0, 1, 2:
		d.Set(id, ec2.Stopped)
	case 3:
		d.Must(d.Cloud.SetTags(id, map[string]string{tag.Stopped: pick(d, "", "x", child+"unheard-of", c.Execution)}))
		d.Set(id, pick(d, ec2.Stopped, ec2.Running))
	case 4:
		if n > 0 {
			d.Set(id, ec2.Terminated)
		}
	}
	if !d.odds(4) {
		d.Hold(c)
	}
	d.slots(n, c)
	d.request(id)
}

// slots are places, turns, and what says that the source is down.
func (d *drawn) slots(n int, c ledger.Claim) {
	for _, kind := range []ledger.SlotKind{ledger.Places, ledger.Turns, ledger.Stops, ledger.Downs} {
		if d.odds(2) {
			continue
		}
		s := ledger.Slot{Plan: c.Plan, Kind: kind, ID: fmt.Sprintf("%06d", n), Source: c.Source, Run: c.Run, Name: c.Name,
			Since: d.ago(time.Hour), Seen: d.ago(20 * time.Minute), Stopping: c.StopSent,
			Due: pick(d, time.Time{}, d.ago(time.Hour), time.Now().Add(time.Hour))}
		if kind == ledger.Downs {
			s.Plan, s.ID = ledger.EveryPlan, c.Source
		}
		_, err := d.Ledger.Kept.Take(d.Context(), s, time.Time{})
		d.Must(err)
	}
}

// request is a tag that asks for an image, and what is remembered of it.
func (d *drawn) request(id string) {
	if d.odds(2) {
		return
	}
	if !d.odds(3) {
		d.Must(d.Cloud.SetTags(id, map[string]string{tag.Request: pick(d, "now", "nightly", "unknown")}))
	}
	if d.odds(3) {
		return
	}
	r := ledger.Request{Source: id, Kind: job.Instance, Value: pick(d, "now", "nightly", "unknown"),
		Since: d.ago(time.Hour), At: d.ago(time.Hour), Run: pick(d, "", runsDrawn[0], runsDrawn[1], "request-gone"),
		Answered: d.odds(4), Again: d.odds(4)}
	if r.Run != "" && d.odds(3) {
		r.Later = &ledger.TagChange{Value: "now", Version: 2, At: d.ago(time.Hour)}
	}
	_, err := d.Ledger.Kept.PutRequest(d.Context(), r)
	d.Must(err)
}

// image is one that a job has made, registered or not, whole or not.
func (d *drawn) image(n int, c ledger.Claim) {
	if d.odds(3) {
		return
	}
	r := ledger.Registration{Kind: ledger.MadeImage, Call: ledger.CreateImage, Lineage: c.Source, Source: c.Source,
		Name: c.Name, Plan: c.Plan, Run: c.Run, AMIName: "goldsmith/" + c.Name + "/" + c.Source + "/" + c.Run,
		Begun: time.Now()}
	registered := !d.odds(4)
	if registered {
		var err error
		r, err = d.Ledger.Kept.Register(d.Context(), r)
		d.Must(err)
	}
	if d.odds(6) {
		return
	}
	tags := tag.List(map[string]string{tag.Managed: "true", tag.Source: c.Source, tag.Name: c.Name, tag.Plan: c.Plan,
		tag.Run: c.Run})
	if d.odds(5) {
		d.Cloud.Inject(ec2.Fault{Action: "CreateImage", Resource: c.Source, ImageState: "failed"})
	}
	out, err := d.EC2.CreateImage(d.Context(), &sdk.CreateImageInput{
		InstanceId: aws.String(c.Source), Name: aws.String(r.AMIName), NoReboot: aws.Bool(true),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeImage, Tags: tags},
			{ResourceType: types.ResourceTypeSnapshot, Tags: tags}},
	})
	d.Must(err)
	d.made = aws.ToString(out.ImageId)
	d.names = append(d.names, d.made, fmt.Sprint("ami-", n))
	if registered && !d.odds(4) {
		r.ID = aws.ToString(out.ImageId)
		_, err = d.Ledger.Kept.Amend(d.Context(), r)
		d.Must(err)
	}
}

// bootTest is an instance that a boot test has launched.
func (d *drawn) bootTest(c ledger.Claim) {
	if !d.odds(3) {
		return
	}
	token := "token of " + c.Source
	if d.odds(4) {
		token = "another token"
	}
	r, err := d.Ledger.Kept.Register(d.Context(), ledger.Registration{
		Kind: ledger.MadeTest, Call: ledger.RunInstances, Lineage: c.Source, Source: c.Source, Name: c.Name, Run: c.Run,
		Token: "token of " + c.Source, From: ec2.ImageX86, Begun: time.Now(),
	})
	d.Must(err)
	if d.odds(5) {
		return
	}
	out, err := d.EC2.RunInstances(d.Context(), &sdk.RunInstancesInput{
		ImageId: aws.String(pick(d, ec2.ImageX86, ec2.ImageX86, ec2.ImageWindows)), InstanceType: types.InstanceTypeT3Micro,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), ClientToken: aws.String(token),
	})
	d.Must(err)
	id := aws.ToString(out.Instances[0].InstanceId)
	d.names = append(d.names, id, "i-test-of-"+d.short(c.Source))
	if d.odds(2) {
		r.ID = id
		_, err = d.Ledger.Kept.Amend(d.Context(), r)
		d.Must(err)
	}
	time.Sleep(pick(d, time.Minute, 20*time.Minute, 5*time.Hour))
}

func (d *drawn) result(c ledger.Claim) {
	if d.odds(3) {
		return
	}
	r := job.Result{Run: c.Run, Source: c.Source, Name: c.Name, Plan: c.Plan, At: d.ago(40 * time.Hour),
		Ending:  pick(d, job.Imaged, job.Broken, job.LeftStopped, job.LeftStopped),
		Problem: pick(d, "", "the image failed", "the run ended early"), Shows: pick(d, "", "stopping", "pending")}
	if d.made != "" && !d.odds(4) {
		r.Image = job.Image{ID: d.made, State: pick(d, "available", "pending", "pending", job.Unproven)}
		r.Times.Snapshotted = pick(d, time.Time{}, time.Now())
	}
	d.Must(d.Ledger.Kept.PutResult(d.Context(), r))
}

// short has names in the place of ids.
func (d *drawn) short(text string) string { return strings.NewReplacer(d.names...).Replace(text) }

// asks hands an event to recover, and writes down what comes of it.
func (d *drawn) asks(what string, raw json.RawMessage) {
	d.Helper()
	d.say("- %s", what)
	d.Disturb(0, steptest.Disturbance{})
	answer, err := d.step().Handle(d.Context(), raw)
	d.heard(answer, err)
	d.looks()
}

func (d *drawn) heard(answer recovery.Answer, err error) {
	d.Helper()
	calls := d.Calls()
	written, failed := json.Marshal(answer)
	d.Must(failed)
	d.say("  %s, %d calls", written, len(calls))
	if err != nil {
		d.say("  error: %s", lines(err))
	}
	said := d.Slack.Messages()
	for _, m := range said[d.told:] {
		text := console.ReplaceAllString(strings.ReplaceAll(m.Terminal(false), "│", ""), "")
		d.say("  told: %s", strings.Join(strings.Fields(text), " "))
	}
	d.told = len(said)
}

// console is the link to an execution, and what each message begins with.
var console = regexp.MustCompile(`· Execution \(https[^)]*\)|Goldsmith .*#golden-images`)

func (d *drawn) say(format string, args ...any) {
	d.log.WriteString(steptest.Timeless(strings.ReplaceAll(fmt.Sprintf(format, args...), `"`, "")) + "\n")
}

// What is left behind by chance, and what sweeps, persons who adopt images or exempt sources, and events of executions
// make of it (-update writes testdata/drawn.txt anew).
func TestDrawnLeftovers(t *testing.T) {
	steptest.Transcripts(t, *update, "drawn.txt", 60, func(t *testing.T, number int) (said string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			d := newDrawn(t, number, 1+number%3)
			d.looks()
			for range 5 {
				d.next()
				time.Sleep(pick(d, 5*time.Minute, 5*time.Minute, time.Hour, 26*time.Hour))
			}
			said = d.short(d.log.String())
		})
		return said
	})
}

// next is one of what may happen.
func (d *drawn) next() {
	d.Helper()
	switch d.IntN(12) {
	case 0:
		d.asks("adopt all", asking(d.Stage, event.Adopt{All: true, By: "ada"}))
	case 1:
		d.asks("adopt all, dry", asking(d.Stage, event.Adopt{All: true, Dry: true}))
	case 2:
		d.asks("adopt", asking(d.Stage, event.Adopt{Images: []string{cmp.Or(d.made, "ami-0123456789abcdef0")}, By: "ada"}))
	case 3, 4:
		raw, err := event.Exempt{Source: pick(d, d.sources...), By: "ada", Undo: d.odds(3)}.MarshalJSON()
		d.Must(err)
		d.asks("exempt", raw)
	case 5:
		d.asks("execution ended", d.ended(pick(d, runsDrawn...)))
	default:
		d.asks("sweep", d.Sample("sweep"))
	}
}

// ended is the event of an execution.
func (d *drawn) ended(run string) json.RawMessage {
	d.Helper()
	var raw map[string]any
	d.Must(json.Unmarshal(d.Sample("execution-aborted"), &raw))
	detail, ok := raw["detail"].(map[string]any)
	if !ok {
		d.Fatal("no detail")
	}
	detail["executionArn"], detail["name"] = executionARN+run, run
	text, err := json.Marshal(raw)
	d.Must(err)
	return text
}
