package start_test

import (
	"strings"
	"testing"
	"time"

	"goldsmith/functions/start"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/test/steptest"
)

// What the function is given is a job, whose instance it starts, or a page, of which it asks.
func TestEither(t *testing.T) {
	either := func(s *steptest.Stage) (handler.Func[job.Either, job.Either], job.Either) {
		step := start.Step{EC2: s.EC2, Claims: s.Ledger, Results: s.Ledger, Marks: s.Ledger, Now: time.Now}
		_, p := page(s)
		return step.Do, job.Either{Batch: &p}
	}
	aJob := func(s *steptest.Stage, in *job.Either) {
		_, j := scene(s)
		*in = job.Either{Job: &j}
	}
	steptest.Play(t, either, []steptest.Case[job.Either, job.Either]{
		{
			Name: "a page", Want: "Slots StartInstances: ok",
			Then: func(s *steptest.Stage, out job.Either) {
				s.Same("asked", []any{out.Batch.Run.Asked.IsZero(), len(out.Batch.Sources)}, []any{false, 3})
			},
		},
		{
			Name: "a page that cannot be asked about", Want: "Slots: Transient",
			Given: func(s *steptest.Stage, _ *job.Either) { s.Ledger.Break("Slots", 1) },
		},
		{
			Name: "a job, for which there was no room before", Want: "Reserve Slots StartInstances: ok",
			Given: func(s *steptest.Stage, in *job.Either) { aJob(s, in); in.Job.NoRoom = true },
			Then: func(s *steptest.Stage, out job.Either) {
				s.Same("sent", []any{out.Job.Times.StartSent, out.Job.NoRoom}, []any{time.Now().UTC(), false})
			},
		},
		{
			Name: "a job whose instance cannot be started", Want: "Reserve Slots StartInstances Claim Record: NoCapacity",
			Given: func(s *steptest.Stage, in *job.Either) {
				aJob(s, in)
				s.Cloud.Inject(ec2.Fault{Action: "StartInstances", Code: "InsufficientInstanceCapacity"})
			},
		},
	})
}

// It is that source of the page which EC2 would not start that is left out, or of which claim hears, and no other. What
// cannot be read or written of it is an error.
func TestAskOfTheSecond(t *testing.T) {
	second := func(more ...func(*steptest.Stage, *job.Batch)) func(*steptest.Stage, *job.Batch) {
		return func(s *steptest.Stage, p *job.Batch) {
			s.Cloud.Inject(ec2.Fault{Action: "StartInstances", Resource: p.Sources[1].ID, Code: "UnauthorizedOperation"})
			for _, m := range more {
				m(s, p)
			}
		}
	}
	denied := func(s *steptest.Stage, p *job.Batch) {
		for _, src := range p.Sources[:2] {
			_, err := s.Ledger.Kept.Take(s.Context(), ledger.Slot{Plan: ledger.EveryPlan, Kind: ledger.Downs,
				ID: "start " + src.ID, Source: src.ID, Run: "earlier", By: "start", Since: time.Now()}, time.Time{})
			s.Must(err)
		}
	}
	const asks = "Slots StartInstances*5"
	steptest.Play(t, page, []steptest.Case[job.Batch, job.Batch]{
		{
			Name: "left out", Given: second(), Want: asks + " DescribeInstances PutResult: ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				results := s.Results(p.Run.Name)
				s.Same("left out", []any{len(results), results[0].Name, len(p.Sources), p.Sources[0].ID},
					[]any{1, "api", 2, s.Web})
				s.Same("no other", p.Sources[1].ID != results[0].Source, true)
			},
		},
		{
			Name: "requested: for claim", Want: asks + ": ok",
			Given: second(func(s *steptest.Stage, p *job.Batch) {
				p.Run.Request = &job.Request{Source: s.Web, Kind: job.Instance}
			}),
			Then: func(s *steptest.Stage, p job.Batch) {
				s.Same("refused", []bool{p.Sources[0].Refused != nil, p.Sources[1].Refused != nil, p.Sources[2].Refused != nil},
					[]bool{false, true, false})
			},
		},
		{
			Name: "what it is called cannot be asked", Want: asks + " DescribeInstances: Failed",
			Given: second(func(s *steptest.Stage, _ *job.Batch) { s.Refuse("DescribeInstances", "UnauthorizedOperation", 1) }),
		},
		{
			Name: "why cannot be written down", Want: asks + " DescribeInstances PutResult: Transient",
			Given: second(func(s *steptest.Stage, _ *job.Batch) { s.Ledger.Break("PutResult", 1) }),
			Says:  []string{"recording why i-", " is skipped"},
		},
		{
			Name: "the mark of what is allowed again cannot be taken away", Want: "Slots StartInstances Free: Transient",
			Given: func(s *steptest.Stage, p *job.Batch) { denied(s, p); s.Ledger.Break("Free", 1) },
		},
		{
			Name: "two are allowed again", Want: "Slots StartInstances Free StartInstances Free StartInstances: ok",
			Given: denied,
		},
	})
}

// What a job has done before decides whether its instance is looked at, and what is noted of it.
func TestStartOnceMore(t *testing.T) {
	// sent is a job that has sent a start before.
	sent := func(given func(*steptest.Stage)) func(*steptest.Stage, *job.Job) {
		return func(s *steptest.Stage, j *job.Job) {
			claim := *s.Held(s.Web)
			claim.StopSent = j.Times.StopSent
			s.Hold(claim)
			j.Times.StartSent = time.Now()
			time.Sleep(10 * time.Minute)
			given(s)
		}
	}
	blind := func(s *steptest.Stage) {
		s.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Code: "UnauthorizedOperation"})
	}
	noted := func(want bool) func(*steptest.Stage, job.Job) {
		return func(s *steptest.Stage, _ job.Job) { s.Same("taken back", !s.Held(s.Web).TakenBack.IsZero(), want) }
	}
	steptest.Play(t, scene, []steptest.Case[job.Job, job.Job]{
		{
			Name: "it runs by now: no second start", Want: "DescribeInstances Claim: ok",
			Given: sent(func(s *steptest.Stage) { s.Set(s.Web, ec2.Running) }),
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("back", j.Back, true) },
		},
		{
			Name:  "EC2 does not say how it is, and had it stopped: the start before was taken back",
			Given: sent(blind), Want: "DescribeInstances Claim Reserve Slots StartInstances Claim Record: ok", Then: noted(true),
		},
		{
			Name: "EC2 does not say how it is, and had it stopped, which cannot be noted: that is logged",
			Given: sent(func(s *steptest.Stage) {
				blind(s)
				s.Disturb(6, steptest.Disturbance{Code: "AccessDenied", Times: 1})
			}),
			Want: "DescribeInstances Claim Reserve Slots StartInstances Claim: ok",
			Then: func(s *steptest.Stage, _ job.Job) {
				s.Same("logged", strings.Contains(s.Logs.String(), "start taken back, not recorded"), true)
			},
		},
		{
			Name:  "EC2 does not say how it is, and had it running: it was not",
			Given: sent(func(s *steptest.Stage) { s.Set(s.Web, ec2.Running); blind(s) }),
			Want:  "DescribeInstances Claim Reserve Slots StartInstances: ok", Then: noted(false),
		},
		{
			Name: "other hands have started and stopped it while its image was made: it stays stopped, and nothing is due on it",
			Given: func(s *steptest.Stage, j *job.Job) {
				j.Plan.Restart, j.Times.Stopped, j.Hook.Due = plan.Available, time.Now(), true
				s.Must(s.StartWeb())
				s.Set(s.Web, ec2.Running)
				s.Must(s.StopWeb())
				s.Set(s.Web, ec2.Stopped)
			},
			Want: "DescribeInstances: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("back", []any{j.Back, len(j.Warnings), j.Warnings[0].Code}, []any{true, 1, job.StoppedSince})
				s.Same("state", s.Cloud.State(s.Web), ec2.Stopped)
			},
		},
	})
}
