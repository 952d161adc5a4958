package recovery_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	recovery "goldsmith/functions/recover"
	"goldsmith/functions/recover/executions"
	"goldsmith/functions/recover/leftovers"
	"goldsmith/local/ec2"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// A test instance is younger than any test for four and a half hours; then it is ended, also while a run works with it.
// Of a clone an image is made, which may take a day.
func TestHowLongATestInstanceMayRun(t *testing.T) {
	const oldest, oldestClone = 4*time.Hour + 30*time.Minute, 35*time.Hour + 30*time.Minute
	for _, c := range []struct {
		age          time.Duration
		clone, ended bool
	}{{oldest - time.Second, false, false}, {oldest, false, true}, {oldest, true, false},
		{oldestClone - time.Second, true, false}, {oldestClone, true, true}} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			id, r := test(s)
			if c.clone {
				id, r = clone(s)
			}
			age, ended := c.age, c.ended
			out, err := s.EC2.DescribeInstances(s.Context(), &sdk.DescribeInstancesInput{InstanceIds: []string{id}})
			s.Must(err)
			time.Sleep(time.Until(aws.ToTime(out.Reservations[0].Instances[0].LaunchTime).Add(age)))
			tests := leftovers.Tests{EC2: s.EC2, Register: s.Ledger, Waits: s.Ledger, Now: time.Now,
				WorkedOn: func(context.Context, ledger.Claim) (bool, error) { return true, nil }}
			s.Must(tests.End(s.Context(), []ledger.Claim{{Source: r.Source, Run: r.Run}}, []ledger.Registration{r}))
			s.Same(age.String(), s.Cloud.State(id) == ec2.ShuttingDown, ended)
		})
	}
}

// A run is looked at for five days from its begin, and told of unless it ended before this ledger began.
func TestHowLongRunsAreToldOf(t *testing.T) {
	const days = 5 * 24 * time.Hour
	for name, c := range map[string]struct {
		age, since time.Duration // since the run began and ended; of the ledger
		told       int
	}{
		"five days":                         {age: days, since: days, told: 1},
		"a second more":                     {age: days + time.Second, since: days + time.Second},
		"half an hour before the ledger":    {age: time.Hour, since: 30 * time.Minute, told: 1},
		"that, and a second more before it": {age: time.Hour, since: 30*time.Minute - time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				began := time.Now()
				arn, _ := s.Execute("nightly-20000101T003000Z")
				s.Abort(arn)
				memory := ledger.NewMemory()
				_, err := memory.Since(s.Context(), began.Add(c.age-c.since))
				s.Must(err)
				runs := executions.Runs{Executions: s.SFN, Ledger: memory, Notifier: s.Notifier(), Plans: nightlyOf(s),
					Machine: steptest.Machine, Now: time.Now}
				time.Sleep(time.Until(began.Add(c.age)))
				recent, err := runs.Recent(s.Context())
				s.Must(err)
				s.Must(runs.NotifyOfEnded(s.Context(), recent))
				s.Same("messages", len(s.Slack.Messages()), c.told)
			})
		})
	}
}

// A tag is followed from two minutes after the end of its execution on: a stop that it sent may take effect until then.
func TestWhenATagIsFollowed(t *testing.T) {
	for since, followed := range map[time.Duration]bool{2*time.Minute - time.Second: false, 2 * time.Minute: true} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			s.Must(s.Cloud.SetTags(s.Web, map[string]string{tag.Stopped: child + "ended"}))
			a := accountOf(s, nightlyOf(s))
			a.Executions = children{s.SFN, map[string]time.Time{"ended": time.Now().Add(-since)}}
			a.Now = func() time.Time { return time.Now().Truncate(time.Minute) } // Calls take their time.
			_, err := recovery.New(a).Handle(s.Context(), s.Sample("sweep"))
			s.Must(err)
			_, tagged := s.Tags(s.Web)[tag.Stopped]
			s.Same(since.String(), tagged, !followed)
		})
	}
}

// An instance that EC2 showed as started, and that is stopped again though no API call has stopped it, does not stay
// up: it is started again, and what EC2 says of it opens the breaker at once.
func TestAStartThatIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		scene(s)
		begun := time.Now().Add(-10 * time.Minute)
		with(func(c *ledger.Claim) { c.Left, c.Started = begun, begun })(s, nil)
		s.Cloud.Inject(ec2.Fault{Action: "StartInstances", Resource: s.Web, StartReason: "Client.InternalError"})
		s.Must(s.StartWeb())
		time.Sleep(6 * time.Minute)
		sweeps(s)
		c := s.Held(s.Web)
		s.Same("claim",
			[]any{c.Name, c.Run, c.RefusedBy, c.Started, c.Refused, strings.Contains(c.Problem, "it does not stay up")},
			[]any{"web", steptest.RunName, "Client.InternalError", time.Now().UTC(), time.Now().UTC(), true})
		s.Same("down", held(s, ledger.Downs), []string{s.Web})
	})
}

// A breaker that cannot be opened for it fails the sweep.
func TestAStartThatIsTakenBackUnmarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		step, in := scene(s)
		begun := time.Now().Add(-10 * time.Minute)
		with(func(c *ledger.Claim) { c.Left, c.Started = begun, begun })(s, nil)
		s.Cloud.Inject(ec2.Fault{Action: "StartInstances", Resource: s.Web, StartReason: "Client.InternalError"})
		s.Must(s.StartWeb())
		time.Sleep(6 * time.Minute)
		s.Ledger.Break("Take", 1)
		_, err := step(s.Context(), in)
		s.Same("fails", fault.IsTransient(err), true)
	})
}

// Errors that have no code of AWS's are told by their text, apart from each other.
func TestTroublesWithoutACode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		plans := nightlyOf(s)
		for _, name := range []string{"one", "two"} {
			plans.Plans[name] = timed(name, "cron(0 5 * * * *)", "UTC")
		}
		_, err := account(s, plans).Handle(s.Context(), s.Sample("sweep"))
		s.Must(err)
		s.Same("messages", len(s.Slack.Messages()), 4) // each is neither made up for nor known to be overdue
	})
}

// A claim of another run on the source keeps no image of an earlier run from being settled.
func TestAnotherRunsClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		id := unsettled(s, "cut-off", job.Result{Ending: job.Broken})
		arn, _ := s.Execute("going-on")
		s.Hold(ledger.Claim{Source: s.Web, Run: "going-on", Execution: arn, Since: time.Now()})
		time.Sleep(3 * time.Hour)
		sweeps(s)
		s.Same("the image is there", there(s, id), false)
	})
}

// People of the run's own plan are mentioned; of a plan that there is no more, those of the default one, by the name
// that it had.
func TestWhoHearsOfARun(t *testing.T) {
	for name, who := range map[string]string{"nightly": "@channel", "weekly": "@here", "former": "@channel"} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			s.Plan.Notify.Mention = "<!channel>"
			plans := nightlyOf(s)
			weekly := s.Plan
			weekly.Name, weekly.Notify.Mention = "weekly", "<!here>"
			plans.Plans["weekly"] = weekly
			arn, _ := s.Execute("run-of-" + name)
			s.Abort(arn)
			s.Must(s.Ledger.Kept.PutRun(s.Context(), ledger.Run{Name: "run-of-" + name, Plan: name, Execution: arn}))
			time.Sleep(time.Hour)
			_, err := account(s, plans).Handle(s.Context(), s.Sample("sweep"))
			s.Must(err)
			said := s.Slack.Messages()[0].Terminal(false)
			s.Same("told "+said, []bool{strings.Contains(said, who), strings.Contains(said, "FAILED: "+name)},
				[]bool{true, true})
		})
	}
}

// While the claims cannot be listed no tag is judged: any of these instances may have one.
func TestTagsWithoutTheClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		s.Set(s.Web, ec2.Stopped)
		s.Must(s.Cloud.SetTags(s.Web, map[string]string{tag.Stopped: "x"}))
		s.Ledger.Break("Claims", steptest.Attempts)
		_, err := account(s, nightlyOf(s)).Handle(s.Context(), s.Sample("sweep"))
		s.Same("fails", fault.IsTransient(err), true)
		s.Same("tag", s.Tags(s.Web)[tag.Stopped], "x")
		s.Same("messages", len(s.Slack.Messages()), 0)
	})
}

// A tag is taken off where it has the value that was looked at: what a run has put on since stays.
func TestATagIsTakenOffByItsValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		value := child + "ended"
		s.Must(s.Cloud.SetTags(s.Web, map[string]string{tag.Stopped: value}))
		a := accountOf(s, nightlyOf(s))
		a.Executions = children{s.SFN, map[string]time.Time{"ended": time.Now().Add(-time.Hour)}}
		_, err := recovery.New(a).Handle(s.Context(), s.Sample("sweep"))
		s.Must(err)
		form := s.Sent("DeleteTags")[0]
		s.Same("asked", []string{form.Get("Tag.1.Key"), form.Get("Tag.1.Value")}, []string{tag.Stopped, value})
	})
}

// Images of others are not taken for those of jobs, whatever they are called.
func TestLeftoversAreTheAccountsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		unsettled(s, "cut-off", job.Result{Ending: job.Broken})
		time.Sleep(3 * time.Hour)
		sweeps(s)
		form := s.Sent("DescribeImages")[0]
		s.Same("asked", []string{form.Get("Owner.1"), form.Get("Filter.1.Name"), form.Get("Filter.1.Value.1")},
			[]string{"self", "name", "goldsmith/cut-off"})
	})
}

// An instance that EC2 neither shows nor starts is an error that says both.
func TestUnseenAndRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		step, in := scene(s)
		with(func(c *ledger.Claim) { c.StopSent = time.Now().Add(-20 * time.Minute) })(s, nil)
		for _, action := range []string{"DescribeInstances", "StartInstances"} {
			s.Cloud.Inject(ec2.Fault{Action: action, Code: "UnauthorizedOperation"})
		}
		answer, err := step(s.Context(), in)
		down(s, answer, 1, 1)
		for _, part := range []string{"looking at " + s.Web, "starting it without a look: "} {
			s.Same("says "+part, err != nil && strings.Contains(err.Error(), part), true)
		}
	})
}
