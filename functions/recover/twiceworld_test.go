package recovery_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	recovery "goldsmith/functions/recover"
	"goldsmith/local/ec2"
	"goldsmith/local/eventbridge"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// newTwice is an account in which each thing that recovering looks after is there twice at least.
func newTwice(t *testing.T) *drawn {
	t.Helper()
	w := &drawn{Stage: steptest.New(t)}
	w.plans = plan.Plans{Default: "nightly", Plans: map[string]plan.Plan{}}
	for name, schedule := range map[string]string{"nightly": "cron(0 2 * * ? *)", "weekly": "cron(30 1 * * ? *)"} {
		p := w.Plan
		p.Name, p.Schedule, p.Verify.Boot = name, schedule, name == "weekly"
		w.plans.Plans[name] = p
		w.Must(w.Bus.Schedule(eventbridge.Schedule{
			Name: "goldsmith-" + name, Group: "goldsmith", Function: "trigger", Input: []byte("{}"),
			Next: func(after time.Time) (time.Time, bool) { return after.Add(24 * time.Hour), true },
		}))
	}
	a := accountOf(w.Stage, w.plans)
	w.step = func() recovery.Step { return recovery.New(a) }
	w.asks("sweep", w.Sample("sweep")) // The schedules are known since midnight.
	w.madeTwice()
	clock(w.Stage, "2000-01-02T00:50:00Z")
	smudges := []string{w.machine("smudged-1", ec2.Stopped), w.machine("smudged-2", ec2.Running)}
	a.Ledger = smudged{w.Ledger, smudges}
	w.takes(ledger.Slot{Kind: ledger.Places, ID: "smudged", Source: smudges[0], Name: "smudged-1", Run: "on-2",
		Stopping: time.Now(), Due: time.Now().Add(time.Hour)})
	a.Executions = workers{w.SFN, w.tagged()}
	w.claimedTwice()
	w.askedTwice()
	clock(w.Stage, "2000-01-02T02:30:00Z")
	return w
}

// machine is an instance of that name.
func (d *drawn) machine(name string, state ec2.State) string {
	d.Helper()
	id := d.Launch(name, nil)
	d.Set(id, state)
	d.names = append(d.names, id, name)
	return id
}

// run is an execution that was cut off, or goes on.
func (d *drawn) run(name string, cut, told bool) {
	d.Helper()
	arn, _ := d.Execute(name)
	d.more = append(d.more, name)
	d.Must(d.Ledger.Kept.PutRun(d.Context(), ledger.Run{Name: name, Plan: "nightly", Execution: arn, Started: time.Now()}))
	if cut {
		d.Abort(arn)
	}
	if told {
		_, err := d.Ledger.Kept.Notified(d.Context(), name, time.Now())
		d.Must(err)
	}
}

// holds is a claim on an instance that its run has stopped, with a place of its plan.
func (d *drawn) holds(name, run string, edit func(c *ledger.Claim, s *ledger.Slot)) {
	d.Helper()
	id, now := d.machine(name, ec2.Stopped), time.Now()
	c := ledger.Claim{Source: id, Kind: job.Instance, Name: name, Run: run, Plan: "nightly",
		Execution: executionARN + run, Since: now, WasRunning: true, Looked: true, StopSent: now, StopTried: now}
	s := ledger.Slot{Kind: ledger.Places, ID: name, Source: id, Name: name, Run: run, Stopping: now}
	edit(&c, &s)
	d.Hold(c)
	d.takes(s)
}

// claimedTwice are instances that runs have left stopped: which start, which EC2 refuses to start, and which are late
// while their run goes on.
func (d *drawn) claimedTwice() {
	d.Helper()
	d.run("starts", true, true)
	d.run("refused", true, true)
	d.run("unsaid", true, false)
	for _, run := range []string{"on-1", "on-2"} {
		d.run(run, false, false)
	}
	for n := range 3 {
		d.holds(fmt.Sprint("starts-", n), "starts", func(c *ledger.Claim, _ *ledger.Slot) {
			d.Must(d.Ledger.Kept.PutResult(d.Context(), job.Result{Run: c.Run, Source: c.Source, Name: c.Name,
				Plan: c.Plan, Ending: job.LeftStopped, Problem: "the run ended early", Shows: "stopping"}))
		})
		d.holds(fmt.Sprint("refused-", n), []string{"refused", "refused", "unsaid"}[n],
			func(c *ledger.Claim, _ *ledger.Slot) {
				c.Left, c.Refused, c.RefusedBy = time.Now(), time.Now(), "InsufficientInstanceCapacity"
				c.Problem = "it cannot be started: no room"
				d.Cloud.Inject(ec2.Fault{Action: "StartInstances", Resource: c.Source, Code: "InsufficientInstanceCapacity"})
				d.Must(d.Ledger.Kept.PutResult(d.Context(), job.Result{Run: c.Run, Source: c.Source, Name: c.Name,
					Plan: c.Plan, Ending: job.LeftStopped, Problem: "the run ended early", Shows: "pending"}))
			})
	}
	for n, run := range []string{"on-1", "on-1", "on-2"} {
		d.holds(fmt.Sprint("late-", n), run,
			func(_ *ledger.Claim, s *ledger.Slot) { s.Due = time.Now().Add(30 * time.Minute) })
	}
	for n, kind := range []ledger.SlotKind{ledger.Places, ledger.Places, ledger.Turns, ledger.Turns, ledger.Stops} {
		d.takes(ledger.Slot{Kind: kind, ID: fmt.Sprint("gone-", n), Source: fmt.Sprint("i-gone-", n), Run: "gone"})
	}
}

// takes is a slot of plan nightly.
func (d *drawn) takes(s ledger.Slot) {
	d.Helper()
	s.Plan, s.Since, s.Seen = "nightly", time.Now(), time.Now()
	_, err := d.Ledger.Kept.Take(d.Context(), s, time.Time{})
	d.Must(err)
}

// tagged are instances that no claim names, with tag goldsmith:stopped, and the executions that it names.
func (d *drawn) tagged() map[string]*worker {
	d.Helper()
	all := map[string]*worker{}
	for _, name := range []string{"proved-1", "proved-2", "on-its-way-1", "on-its-way-2", "unproved-1", "unproved-2",
		"claimed-1", "claimed-2", "back-1", "back-2"} {
		id := d.machine(name, ec2.Running)
		time.Sleep(time.Minute)
		arn := child + name
		d.Must(d.Cloud.SetTags(id, map[string]string{"Name": name, tag.Stopped: arn}))
		d.names = append(d.names, arn, "the execution of "+name)
		if strings.HasPrefix(name, "back") {
			d.Must(d.Cloud.SetTags(id, map[string]string{"Name": name, tag.Stopped: ""}))
			continue
		}
		_, err := d.EC2.StopInstances(d.Context(), &sdk.StopInstancesInput{InstanceIds: []string{id}})
		d.Must(err)
		w := &worker{input: "{}", stopped: time.Now()}
		if !strings.HasPrefix(name, "unproved") {
			w.input = fmt.Sprintf(`{"source":{"id":%q},"run":{"name":%q,"plan":"nightly"}}`, id, "run-of-"+name)
		}
		if !strings.HasPrefix(name, "on") {
			w.ended = time.Now().Add(time.Minute)
		}
		if strings.HasPrefix(name, "claimed") { // The place that went with the claim is lost.
			d.Hold(ledger.Claim{Source: id, Kind: job.Instance, Name: name, Run: "run-of-" + name, Plan: "nightly",
				Execution: arn, Since: w.stopped, WasRunning: true, Looked: true, StopSent: w.stopped, StopTried: w.stopped})
		}
		all[arn] = w
		d.more = append(d.more, "run-of-"+name)
	}
	nameless := d.machine("nameless", ec2.Stopped)
	d.Must(d.Cloud.SetTags(nameless, map[string]string{tag.Stopped: "x", "Name": ""}))
	return all
}

// askedTwice are instances with a request: just seen, without a run, whose run was cut off, or gave an answer, of which
// the tag was changed or is off; and runs that were not told.
func (d *drawn) askedTwice() {
	d.Helper()
	for _, run := range []string{"untold-1", "untold-2"} {
		d.run(run, true, false)
	}
	for n := range 2 {
		for _, name := range []string{"seen", "known", "cut", "again", "answered", "never", "changed", "later", "off"} {
			kind := name
			name = fmt.Sprint("asks-", name, "-", n)
			id := d.machine(name, ec2.Running)
			if kind != "off" {
				d.Must(d.Cloud.SetTags(id, map[string]string{"Name": name, tag.Request: "now"}))
			}
			if kind == "seen" {
				continue
			}
			r := ledger.Request{Source: id, Kind: job.Instance, Value: "now", Version: 4, Since: time.Now(), At: time.Now()}
			if kind != "known" && kind != "changed" && kind != "off" {
				r.Run = name
			}
			d.comes(kind, &r)
			_, err := d.Ledger.Kept.PutRequest(d.Context(), r)
			d.Must(err)
		}
	}
}

// comes has what became of the run of a request.
func (d *drawn) comes(kind string, r *ledger.Request) {
	d.Helper()
	if r.Run != "" && kind != "never" {
		d.run(r.Run, true, true)
	}
	switch kind {
	case "again":
		r.Again = true
	case "answered":
		d.Must(d.Ledger.Kept.PutResult(d.Context(), job.Result{Run: r.Run, Source: r.Source, Ending: job.Broken}))
	case "changed":
		r.Value = "nightly"
	case "later":
		r.Later = &ledger.TagChange{Value: "nightly", Version: 9, At: time.Now()}
	}
}

// madeTwice are images, copies and test instances of jobs that have ended.
func (d *drawn) madeTwice() {
	d.Helper()
	available := job.Image{State: string(types.ImageStateAvailable)}
	for _, name := range []string{"failed", "cut-1", "cut-2", "whole-1", "whole-2", "used-1", "used-2",
		"good-1", "good-2"} {
		r := job.Result{Ending: job.Broken, Problem: "the run ended early"}
		switch kind, _, _ := strings.Cut(name, "-"); kind {
		case "whole":
			r.Times.Snapshotted = time.Now()
		case "good":
			r.Ending, r.Problem, r.Image = job.Imaged, "", available
		}
		id := unsettled(d.Stage, name, r)
		d.more, d.names = append(d.more, name), append(d.names, id, "image "+name)
		if strings.HasPrefix(name, "used") {
			launch(d.Stage, id)
		}
		if name == "cut-2" {
			d.Cloud.Inject(ec2.Fault{Action: "DeregisterImage", Resource: id, SnapshotReturn: "client-error"})
		}
	}
	for n := range 2 {
		d.copies(n)
		d.launched(fmt.Sprint("test-", n))
	}
	time.Sleep(time.Hour)
}

// copies are those of two snapshots for an image that was never registered.
func (d *drawn) copies(n int) {
	d.Helper()
	r := ledger.Registration{Kind: ledger.MadeImage, Call: ledger.RegisterImage, Lineage: "vol-1", Source: "snap-1",
		Plan: "nightly", Run: "copies", AMIName: fmt.Sprint("goldsmith/copies/", n), Token: fmt.Sprint("T0K3N", n),
		Begun: time.Now()}
	data, root := copyOf(d.Stage, r, "snap-2"), copyOf(d.Stage, r, "snap-1")
	d.names = append(d.names, data, fmt.Sprint("the copy of data ", n), root, fmt.Sprint("the copy of root ", n))
	r.From, r.Snapshots = root, []string{root, data}
	r.Copies = map[string]string{"snap-1": root, "snap-2": data}
	_, err := d.Ledger.Kept.Register(d.Context(), r)
	d.Must(err)
}

// launched is a registered test instance.
func (d *drawn) launched(name string) {
	d.Helper()
	r, err := d.Ledger.Kept.Register(d.Context(), ledger.Registration{Kind: ledger.MadeTest, Call: ledger.RunInstances,
		Lineage: d.Web, Source: d.Web, Name: "web", Run: name, Token: name, From: ec2.ImageX86, Begun: time.Now()})
	d.Must(err)
	out, err := d.EC2.RunInstances(d.Context(), &sdk.RunInstancesInput{ImageId: aws.String(r.From), ClientToken: &name,
		InstanceType: types.InstanceTypeT3Micro, MinCount: aws.Int32(1), MaxCount: aws.Int32(1)})
	d.Must(err)
	d.names = append(d.names, aws.ToString(out.Instances[0].InstanceId), name)
}
