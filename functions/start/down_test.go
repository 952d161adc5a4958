package start_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/start"
	"goldsmith/local/ec2"
	"goldsmith/shared/breaker"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// gone wants to know whether the instance is gone, and that it is back, as far as it can be.
func gone(want bool) func(*steptest.Stage, job.Job) {
	return func(s *steptest.Stage, j job.Job) {
		s.Helper()
		s.Same("back", j.Back, true)
		s.Same("gone", j.Gone, want)
	}
}

// down is what the claim says of an instance that stays down.
func down(code, problem string) func(*steptest.Stage, job.Job) {
	return func(s *steptest.Stage, _ job.Job) {
		s.Helper()
		s.Same("refused by", s.Held(s.Web).RefusedBy, code)
		s.Same("problem", strings.HasPrefix(s.Held(s.Web).Problem, problem), true)
	}
}

// A source that stays down is noted with the reason, so that nothing more is stopped that would stay down with it.
func TestStartNotesWhatStaysDown(t *testing.T) {
	failed := func(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
		step, j := scene(s)
		j.Failure = broken
		return step, j
	}
	const start = "DescribeInstances Reserve Slots StartInstances: ok"
	// sent is a start that went out a while ago, and what became of it.
	sent := func(ago time.Duration, became func(*steptest.Stage)) func(*steptest.Stage, *job.Job) {
		return func(s *steptest.Stage, j *job.Job) {
			j.Times.StartSent = time.Now()
			became(s)
			time.Sleep(ago)
		}
	}
	takenBack := func(s *steptest.Stage) {
		s.Cloud.Inject(ec2.Fault{
			Action: "StartInstances", Nth: []int{1}, StartReason: "Client.InvalidKMSKey.InvalidState", Message: "no key",
		})
		s.Must(s.StartWeb())
	}
	// unseen is a start that EC2 shows nothing of: it is shown as it was stopped.
	unseen := func(*steptest.Stage) {}
	unnoted := func(s *steptest.Stage, j job.Job) {
		s.Same("taken back", s.Held(s.Web).TakenBack, time.Time{})
		s.Same("refused by", s.Held(s.Web).RefusedBy, "")
		s.Same("back", j.Back, false)
	}
	steptest.Play(t, failed, []steptest.Case[job.Job, job.Job]{
		{
			Name: "EC2 took the start back, and says why", Given: sent(10*time.Minute, takenBack),
			Want: "DescribeInstances Claim Record Take Reserve Slots StartInstances: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				down("Client.InvalidKMSKey.InvalidState", "it does not stay up: ")(s, j)
				s.Same("taken back", s.Held(s.Web).TakenBack, time.Now().UTC())
				s.Same("back", j.Back, false)
				s.Same("gone", j.Gone, false)
			},
		},
		{Name: "shown as before a start that was sent a moment ago", Given: sent(30*time.Second, unseen), Want: start,
			Then: unnoted},
		{Name: "shown as before a start for minutes", Given: sent(4*time.Minute, unseen), Want: start, Then: unnoted},
		{
			Name: "shown as before a start for longer than EC2 lags", Given: sent(6*time.Minute, unseen),
			Want: "DescribeInstances Claim Record Take Reserve Slots StartInstances: ok",
			Then: down("Client.UserInitiatedShutdown", "it does not stay up"),
		},
		{
			Name: "somebody has stopped it since: it stays so",
			Given: sent(10*time.Minute, func(s *steptest.Stage) {
				s.Must(s.StartWeb())
				time.Sleep(5 * time.Minute)
				s.Must(s.StopWeb())
			}),
			Want: "DescribeInstances: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("back", j.Back, true)
				s.Same("gone", j.Gone, false)
				s.Same("warning", j.Warnings[0].Code, job.StoppedSince)
			},
		},
		{
			Name: "no start was sent: nothing fell back", Want: "DescribeInstances Reserve Slots StartInstances: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("gone", j.Gone, false) },
		},
	})
}

// speechless is EC2 where it gives no reason, or one without a code.
type speechless struct {
	*sdk.Client
	reason *types.StateReason
}

func (e speechless) DescribeInstances(
	ctx context.Context, in *sdk.DescribeInstancesInput, o ...func(*sdk.Options),
) (*sdk.DescribeInstancesOutput, error) {
	out, err := e.Client.DescribeInstances(ctx, in, o...)
	if err == nil {
		out.Reservations[0].Instances[0].StateReason = e.reason
	}
	return out, err
}

func TestStartFellBackWithoutAReason(t *testing.T) {
	for _, reason := range []*types.StateReason{nil, {Message: aws.String("it stopped")}} {
		silent := func(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
			_, j := scene(s)
			j.Failure, j.Times.StartSent = broken, time.Now()
			time.Sleep(10 * time.Minute)
			return start.Step{EC2: speechless{s.EC2, reason}, Claims: s.Ledger, Now: time.Now}.Handle, j
		}
		steptest.Play(t, silent, []steptest.Case[job.Job, job.Job]{{
			Name: "it is down, and EC2 does not say why",
			Want: "DescribeInstances Claim Record Take Reserve Slots StartInstances: ok",
			Then: down(breaker.FellBack, "it does not stay up: "),
		}})
	}
}

// The start matters more than the note of why it was refused.
func TestStartWithoutTheLedger(t *testing.T) {
	refused := func(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
		step, j := scene(s)
		s.Cloud.Inject(ec2.Fault{Action: "StartInstances", Code: "UnauthorizedOperation", Nth: []int{1}})
		return step, j
	}
	const unnoted = "source stays down, not recorded"
	logged := func(want bool) func(*steptest.Stage) {
		return func(s *steptest.Stage) { s.Same("logged", strings.Contains(s.Logs.String(), unnoted), want) }
	}
	then := func(want bool) func(*steptest.Stage, job.Job) {
		return func(s *steptest.Stage, _ job.Job) { logged(want)(s) }
	}
	steptest.Play(t, refused, []steptest.Case[job.Job, job.Job]{
		{
			Name: "the claim cannot be read", Given: func(s *steptest.Stage, _ *job.Job) { s.Ledger.Break("Claim", 1) },
			Want: "Reserve Slots StartInstances Claim: Failed", Says: []string{"UnauthorizedOperation"}, Then: then(true),
		},
		{
			Name: "the claim cannot be written", Given: func(s *steptest.Stage, _ *job.Job) { s.Ledger.Break("Record", 1) },
			Want: "Reserve Slots StartInstances Claim Record: Failed", Says: []string{"UnauthorizedOperation"}, Then: then(true),
		},
		{Name: "noted, and nothing to log", Want: "Reserve Slots StartInstances Claim Record Take: Failed",
			Then: then(false)},
	})
}

// What is in no state to be started is stopping, or will never be started again.
func TestStartInNoState(t *testing.T) {
	refused := func(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
		step, j := scene(s)
		s.Cloud.Inject(ec2.Fault{Action: "StartInstances", Code: "IncorrectInstanceState"})
		return step, j
	}
	const ended = "was terminated during the run"
	steptest.Play(t, refused, []steptest.Case[job.Job, job.Job]{
		{
			Name: "terminated", Given: func(s *steptest.Stage, _ *job.Job) { s.Set(s.Web, ec2.Terminated) },
			Want: "Reserve Slots StartInstances DescribeInstances: Failed", Says: []string{ended},
		},
		{
			Name:  "a describe does not know it: not taken for terminated",
			Given: func(_ *steptest.Stage, j *job.Job) { j.Source.ID = "i-00000000000000bad" },
			Want:  "Reserve Slots StartInstances DescribeInstances*2: NotYet", Says: []string{"starting web (i-"},
		},
		{
			Name: "EC2 cannot be asked: not taken for terminated",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Code: "UnauthorizedOperation"})
			},
			Want: "Reserve Slots StartInstances DescribeInstances: NotYet", Says: []string{"starting web (i-"},
		},
	})
}

// After a failure an instance that is shown running, or gone, is back as far as it can be.
func TestStartIsBack(t *testing.T) {
	running := func(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
		step, j := scene(s)
		j.Failure = broken
		s.Set(s.Web, ec2.Running)
		return step, j
	}
	steptest.Play(t, running, []steptest.Case[job.Job, job.Job]{
		{Name: "running", Want: "DescribeInstances Claim: ok", Then: gone(false)},
		{
			Name: "its claim is another run's: that one answers for it", Want: "DescribeInstances Claim: ok", Then: gone(false),
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Must(s.Ledger.Kept.Drop(s.Context(), s.Web, steptest.RunName))
				s.Hold(ledger.Claim{Source: s.Web, Run: "weekly-1", Since: time.Now(), StopSent: time.Now(), StopTried: time.Now()})
			},
		},
		{
			Name: "its claim cannot be read: it may be about to stop", Want: "DescribeInstances Claim: Transient",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Ledger.Break("Claim", 1) },
			Says:  []string{"looking up the claim of i-"},
		},
		{
			Name: "terminated", Given: func(s *steptest.Stage, _ *job.Job) { s.Set(s.Web, ec2.Terminated) },
			Want: "DescribeInstances: ok", Then: gone(true),
		},
		{
			Name:  "no call of EC2's knows it",
			Given: func(_ *steptest.Stage, j *job.Job) { j.Source.ID = "i-00000000000000bad" },
			Want:  "DescribeInstances*2 Claim Reserve Slots StartInstances DescribeInstances*2: ok", Then: gone(true),
		},
		{
			Name: "a moment after the stop", Want: "DescribeInstances Claim: NotYet",
			Says: []string{"web (i-", ") is running, but was to be stopped a moment ago"},
			Given: func(s *steptest.Stage, j *job.Job) {
				claim := *s.Held(s.Web)
				claim.StopSent, claim.StopTried = j.Times.Claimed, time.Now()
				s.Hold(claim)
			},
		},
		{
			Name: "still stopping", Want: "DescribeInstances: NotYet", Says: []string{"web (i-", ") is still stopping"},
			Given: func(s *steptest.Stage, _ *job.Job) { s.Must(s.StopWeb()) },
		},
		{
			Name: "pending", Want: "DescribeInstances Reserve Slots StartInstances: ok",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Set(s.Web, ec2.Stopped); s.Must(s.StartWeb()) },
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("back", j.Back, false)
				s.Same("gone", j.Gone, false)
			},
		},
	})
}
