package recovery_test

import (
	"context"
	"encoding/json"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	recovery "goldsmith/functions/recover"
	"goldsmith/functions/recover/executions"
	"goldsmith/functions/recover/requests"
	"goldsmith/local/ec2"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/runs"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// A time zone that is none is told, and keeps no other plan from its own.
func TestAPlanInNoTimeZone(t *testing.T) {
	steptest.Play(t, scheduled(nightly, timed("nowhere", "cron(0 5 * * ? *)", "Nowhere/Town")), cases{{
		Name: "an unknown time zone", Want: "Sight: Failed", Says: []string{"looking whether plan nowhere is overdue"},
		Then: func(s *steptest.Stage, _ recovery.Answer) { overdue(s, map[string]float64{"nightly": 0}) },
	}})
}

// unreadableRequests is a ledger with a request that cannot be read.
type unreadableRequests struct{ *steptest.Ledger }

func (l unreadableRequests) Requests(context.Context) iter.Seq2[ledger.Request, error] {
	return func(yield func(ledger.Request, error) bool) { yield(ledger.Request{}, unreadable("request#i-1")) }
}

// movingRequests is one in which trigger changes each request first.
type movingRequests struct{ *steptest.Ledger }

func (movingRequests) PutRequest(context.Context, ledger.Request) (ledger.Request, error) {
	return ledger.Request{}, &ledger.MovedError{}
}

// A record that cannot be read is named with what is to be done about it.
func TestARequestThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		a := accountOf(s, nightlyOf(s))
		a.Ledger = unreadableRequests{s.Ledger}
		_, err := recovery.New(a).Handle(s.Context(), s.Sample("sweep"))
		s.Must(err)
		said := s.Slack.Messages()[0].Terminal(false)
		for _, part := range []string{"reading the requests: record request#i-1", "Now: Remove that record"} {
			s.Same(part+" in "+said, strings.Contains(said, part), true)
		}
	})
}

// What trigger changes meanwhile stands.
func TestARequestThatMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		tagged(s, "now")
		a := accountOf(s, nightlyOf(s))
		a.Ledger = movingRequests{s.Ledger}
		_, err := recovery.New(a).Handle(s.Context(), s.Sample("sweep"))
		s.Must(err)
		s.Same("messages", len(s.Slack.Messages()), 0)
	})
}

// A run that was cut off before it had a record is told as its execution's input says, unless that is another run's.
func TestARunWithoutARecord(t *testing.T) {
	for input, want := range map[string]string{
		`{"run":{"name":"nightly-1","plan":"nightly","scheduled":"2000-01-01T00:10:00Z"}}`: "nightly, 2000-01-01 00:10",
		`{"run":{"name":"nightly-2","plan":"nightly"}}`:                                    "FAILED: unknown",
		`{"run":{"name":"nightly-1"}}`:                                                     "FAILED: unknown",
		`[]`:                                                                               "FAILED: unknown",
	} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			out, err := s.SFN.StartExecution(s.Context(), &sfn.StartExecutionInput{
				StateMachineArn: aws.String(steptest.Machine), Name: aws.String("nightly-1"), Input: aws.String(input)})
			s.Must(err)
			s.Abort(aws.ToString(out.ExecutionArn))
			time.Sleep(time.Hour)
			sweeps(s)
			said := s.Slack.Messages()[0].Terminal(false)
			s.Same(input+" is told as "+said, strings.Contains(said, want), true)
		})
	}
}

// A request whose run has ended waits until that is told, and a moment longer; one that a lost ledger told of counts as
// told. Where that cannot be read nothing is started.
func TestARequestAfterItsRun(t *testing.T) {
	for name, c := range map[string]struct {
		since  time.Duration // of the ledger, after the run ended
		told   time.Duration // after the run ended; 0 is never
		broken string
		starts bool
	}{
		"told long ago":                 {told: time.Minute, starts: true},
		"told just now":                 {told: time.Hour - time.Minute},
		"told two minutes ago":          {told: time.Hour - 2*time.Minute, starts: true},
		"not told":                      {},
		"a lost ledger has told it":     {since: 50 * time.Minute, starts: true},
		"the run cannot be read":        {told: time.Minute, broken: "GetRun"},
		"nor when the ledger had begun": {since: 50 * time.Minute, broken: "Since"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				memory := ledger.NewMemory()
				s.Ledger.Kept = memory
				ended := time.Now()
				run := "request-" + s.Web + "-v1"
				arn, _ := s.Execute(run)
				s.Abort(arn)
				_, err := memory.Since(s.Context(), ended.Add(c.since))
				s.Must(err)
				if c.told > 0 {
					_, err := memory.Notified(s.Context(), run, ended.Add(c.told))
					s.Must(err)
				}
				tagged(s, "now")
				_, err = memory.PutRequest(s.Context(), ledger.Request{Source: s.Web, Kind: job.Instance, Value: "now",
					Since: ended, At: ended})
				s.Must(err)
				time.Sleep(time.Until(ended.Add(time.Hour)))
				a := accountOf(s, nightlyOf(s))
				now := time.Now()
				a.Now = func() time.Time { return now }
				of := executions.Runs{Executions: s.SFN, Ledger: s.Ledger, Plans: a.Plans, Machine: steptest.Machine, Now: a.Now}
				recent, err := of.Recent(s.Context())
				s.Must(err)
				if c.broken != "" {
					s.Ledger.Break(c.broken, steptest.Attempts)
				}
				err = requestsOf(s, of).Answer(s.Context(), nil, recent)
				s.Same("fails", err != nil, c.broken != "")
				r, _, err := memory.GetRequest(s.Context(), s.Web)
				s.Must(err)
				s.Same("a run is started", r.Run != "", c.starts)
			})
		})
	}
}

func requestsOf(s *steptest.Stage, of executions.Runs) requests.Requests {
	return requests.Requests{EC2: s.EC2, Ledger: s.Ledger, Runs: of,
		Starter: runs.Starter{Executions: s.SFN, Plans: of.Plans, Machine: steptest.Machine}}
}

// heldFirst is a ledger in which no claim can be taken.
type heldFirst struct {
	*steptest.Ledger
	err error
}

func (h heldFirst) Claim(context.Context, ledger.Claim) (ledger.Claim, error) {
	return ledger.Claim{}, h.err
}

// An instance whose tag proves that a run left it stopped is started also where its claim cannot be written, but not
// where another run has it by now.
func TestATagWithoutAClaim(t *testing.T) {
	for name, c := range map[string]struct {
		err     error
		refused bool
		state   ec2.State
		fails   bool
	}{
		"another run has it":     {err: &ledger.HeldError{}, state: ec2.Stopped},
		"the ledger is gone":     {err: errOther, state: ec2.Pending},
		"and EC2 refuses it too": {err: errOther, refused: true, state: ec2.Stopped, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &drawn{Stage: steptest.New(t)}
				a := accountOf(d.Stage, plan.Plans{Default: "nightly", Plans: map[string]plan.Plan{"nightly": d.Plan}})
				all := d.tagged()
				a.Executions, a.Ledger = workers{d.SFN, all}, heldFirst{d.Ledger, c.err}
				time.Sleep(time.Hour)
				if c.refused {
					d.Cloud.Inject(ec2.Fault{Action: "StartInstances", Code: "InsufficientInstanceCapacity"})
				}
				_, err := recovery.New(a).Handle(d.Context(), d.Sample("sweep"))
				s := d.Stage
				s.Same("fails", err != nil || strings.Contains(s.Logs.String(), "starting it:"), c.fails)
				for n, id := range d.names {
					if strings.HasPrefix(id, "i-") && strings.HasPrefix(d.names[n+1], "proved") {
						s.Same(d.names[n+1], s.Cloud.State(id), c.state)
					}
				}
			})
		})
	}
}

// An instance that is on its way is let go its way, whatever its tag says.
func TestATagOfWhatIsOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		s.Must(s.Cloud.SetTags(s.Web, map[string]string{tag.Stopped: "x"}))
		s.Must(s.StopWeb())
		sweeps(s)
		s.Same("tag", s.Tags(s.Web)[tag.Stopped], "x")
		s.Same("messages", len(s.Slack.Messages()), 0)
	})
}

// A start without a look that cannot be recorded is an error, and is sent again.
func TestAnUnrecordedStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		step, in := scene(s)
		with(func(c *ledger.Claim) { c.StopSent = time.Now().Add(-20 * time.Minute) })(s, nil)
		s.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Code: "UnauthorizedOperation"})
		s.Ledger.Break("Record", 1)
		_, err := step(s.Context(), in)
		s.Same("says so", err != nil && strings.Contains(err.Error(), "recording the start: "), true)
		s.Same("started", s.Held(s.Web).Started, time.Time{})
	})
}

// An instance that is placed anew, of which EC2 does not say when it was stopped, is stopped since now.
func TestAPlaceAnewOfWhatStoppedAnyTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		s.Set(s.Web, ec2.Stopped)
		arn := child + "on"
		s.Must(s.Cloud.SetTags(s.Web, map[string]string{"Name": "web", tag.Stopped: arn}))
		a := accountOf(s, nightlyOf(s))
		input, err := json.Marshal(job.Job{Source: job.Source{ID: s.Web}, Run: job.Run{Name: "lost", Plan: "nightly"}})
		s.Must(err)
		a.Executions, a.EC2 = workers{s.SFN,
			map[string]*worker{arn: {input: string(input), stopped: time.Now()}}}, mute{s.EC2}
		_, err = recovery.New(a).Handle(s.Context(), s.Sample("sweep"))
		s.Must(err)
		for slot, err := range s.Ledger.Kept.Slots(s.Context(), "") {
			s.Must(err)
			s.Same("stopping", slot.Stopping, time.Now().UTC())
		}
		s.Same("places", held(s, ledger.Places), []string{s.Web})
	})
}

// Snapshots of an image that no answer has named are written down with it; one whose record moves is left to the next.
func TestWhatIsLeftOfAnImageCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		id := unsettled(s, "cut-off", job.Result{Ending: job.Broken})
		time.Sleep(time.Hour)
		s.Cloud.Inject(ec2.Fault{Action: "DeregisterImage", Resource: id, SnapshotReturn: "client-error"})
		cut, _, err := s.Ledger.Kept.Registration(s.Context(), id)
		s.Must(err)
		l := leftImages(s)
		l.Register = second{s.Ledger.Kept, new(int)}
		err = l.Settle(s.Context(), nil, []ledger.Registration{cut})
		s.Same("fails", err != nil && strings.Contains(err.Error(), errOther.Error()), true)
		s.Same("open", len(open(s)), 1)
	})
}

// second is a register whose second write fails.
type second struct {
	*ledger.Memory
	writes *int
}

func (r second) Amend(ctx context.Context, what ledger.Registration) (ledger.Registration, error) {
	if *r.writes++; *r.writes == 2 {
		return what, errOther
	}
	return r.Memory.Amend(ctx, what)
}

// Where images hold copies cannot be found out, none goes.
func TestCopiesAnyImageMayHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		r := ledger.Registration{Kind: ledger.MadeImage, Call: ledger.RegisterImage, Lineage: "vol-1", Source: "snap-1",
			Run: steptest.RunName, AMIName: "goldsmith/lab", Token: "T0K3N", Begun: time.Now()}
		id := copyOf(s, r, "snap-1")
		r, err := s.Ledger.Kept.Register(s.Context(), r)
		s.Must(err)
		s.Cloud.Inject(ec2.Fault{Action: "DescribeImages", Nth: []int{2}, Code: "UnauthorizedOperation"})
		err = leftImages(s).Settle(s.Context(), nil, []ledger.Registration{r})
		s.Same("denied", fault.IsDenied(err), true)
		_, err = s.EC2.DescribeSnapshots(s.Context(), &sdk.DescribeSnapshotsInput{SnapshotIds: []string{id}})
		s.Must(err)
	})
}
