package recovery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	recovery "goldsmith/functions/recover"
	"goldsmith/functions/recover/leftovers"
	"goldsmith/local/ec2"
	"goldsmith/shared/breaker"
	"goldsmith/shared/event"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// A dry adoption shows what would be registered, and registers nothing.
func TestADryAdoption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		createdBy(s, job.RunName("nightly", time.Now()), time.Now())
		a, err := account(s, nightlyOf(s)).Handle(s.Context(), asking(s, event.Adopt{All: true, Dry: true, By: "ada"}))
		s.Must(err)
		s.Same("shown", []any{len(a.Adopted.Images), a.Adopted.Images[0].Why}, []any{1, ""})
		s.Same("registered", len(inRegister(s)), 0)
	})
}

// A call that is denied is the error of exempting and of taking that back, but for the notice, which the log has then;
// asked again all is as it should be.
func TestExemptWithACallDenied(t *testing.T) {
	for _, undo := range []bool{false, true} {
		steptest.Each[json.RawMessage, recovery.Answer]{
			Scene: func(s *steptest.Stage) (handler.Func[json.RawMessage, recovery.Answer], json.RawMessage) {
				downFor(s, s.Web)
				if undo {
					_, err := exempting(s, event.Exempt{Source: s.Web, By: "ada"})
					s.Must(err)
				}
				raw, err := event.Exempt{Source: s.Web, By: "ada", Undo: undo}.MarshalJSON()
				s.Must(err)
				return account(s, nightlyOf(s)).Handle, raw
			},
			Noticed: func(s *steptest.Stage, call string, err error, _ recovery.Answer) {
				if err == nil && !strings.Contains(s.Logs.String(), "not sent") {
					s.Errorf("%s was denied, and it is told nowhere", call)
				}
			},
		}.Play(t)
	}
}

// cutCopy is the registration of an image that was to be registered of a copy, and the copy, which a person's image
// holds.
func cutCopy(s *steptest.Stage) (ledger.Registration, string) {
	s.Helper()
	r := ledger.Registration{Kind: ledger.MadeImage, Call: ledger.RegisterImage, Lineage: "vol-1", Source: "snap-1",
		Plan: "nightly", Run: steptest.RunName, AMIName: "goldsmith/lab", Token: "T0K3N", Begun: time.Now()}
	id := copyOf(s, r, "snap-1")
	_, err := s.EC2.RegisterImage(s.Context(), registering("by hand", copyOf(s, ledger.Registration{}, "snap-9"), id))
	s.Must(err)
	r.Snapshots = []string{id}
	r, err = s.Ledger.Kept.Register(s.Context(), r)
	s.Must(err)
	return r, id
}

// Copies that are in use are looked at for five days, and then no more; what is registered of them stays. A job that
// registers one has a quarter of an hour for that.
func TestHowLongCopiesAreLookedAt(t *testing.T) {
	const days = 5 * 24 * time.Hour
	for age, c := range map[time.Duration]struct {
		open, looks bool
	}{
		15*time.Minute - time.Second: {open: true}, 15 * time.Minute: {open: true, looks: true},
		days: {open: true, looks: true}, days + time.Second: {looks: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			r, copied := cutCopy(s)
			l, asked := leftImages(s), len(s.Sent("DescribeSnapshots"))
			l.Now = func() time.Time { return r.Begun.Add(age) }
			s.Must(l.Settle(s.Context(), nil, []ledger.Registration{r}))
			s.Same("looked at after "+age.String(), len(s.Sent("DescribeSnapshots")) > asked, c.looks)
			s.Same("open after "+age.String(), len(open(s)) == 1, c.open)
			var registered []string
			for kept, err := range s.Ledger.Kept.Registrations(s.Context(), "") {
				s.Must(err)
				registered = append(registered, kept.Snapshots...)
			}
			s.Same("registered after "+age.String(), slices.Compact(registered), []string{copied})
		})
	}
}

// What uses a copy has to be known before it goes, and one that cannot be deleted fails the sweep.
func TestCopiesThatCannotGo(t *testing.T) {
	for call, says := range map[string]string{
		"DescribeVolumes": "looking what uses copies without an image", "DeleteSnapshot": "deleting copy snap-",
		"DescribeSnapshots": "looking for the copies of snap-1",
	} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			r := ledger.Registration{Kind: ledger.MadeImage, Call: ledger.RegisterImage, Lineage: "vol-1", Source: "snap-1",
				Run: steptest.RunName, AMIName: "goldsmith/lab", Token: "T0K3N", Begun: time.Now()}
			copyOf(s, r, "snap-1")
			r, err := s.Ledger.Kept.Register(s.Context(), r)
			s.Must(err)
			s.Cloud.Inject(ec2.Fault{Action: call, Code: "UnauthorizedOperation"})
			err = leftImages(s).Settle(s.Context(), nil, []ledger.Registration{r})
			s.Same(fmt.Sprint(call, " says ", err), err != nil && strings.Contains(err.Error(), says), true)
			s.Same("open", len(open(s)), 1)
		})
	}
}

// An image that something uses, and that was not tested though its plan wants that, stays without counting as good; it
// is looked at for five days.
func TestAnImageInUseThatIsNotTested(t *testing.T) {
	for _, other := range []string{"", "ami-0123456789abcdef0"} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			s.Plan.Verify.Boot = true
			id := unsettled(s, "cut-off", job.Result{Ending: job.Broken})
			result := s.Results("cut-off")[0]
			result.Image.ID = other
			s.Must(s.Ledger.Kept.PutResult(s.Context(), result))
			launch(s, id)
			time.Sleep(time.Hour)
			sweeps(s)
			sweeps(s)
			state := job.Unproven
			if other != "" {
				state = ""
			}
			s.Same("result", s.Results("cut-off")[0].Image.State, state)
			s.Same("there", []any{there(s, id), len(open(s))}, []any{true, 1})
			time.Sleep(5 * 24 * time.Hour)
			sweeps(s)
			s.Same("then", []any{there(s, id), len(open(s))}, []any{true, 0})
			r, _, err := s.Ledger.Kept.Registration(s.Context(), id)
			s.Must(err)
			s.Same("good", r.Good, false)
		})
	}
}

// moved is a register in which another sweep has changed everything since it was read; without a word it is broken.
type moved struct {
	*ledger.Memory
	err error
}

func (m moved) Amend(context.Context, ledger.Registration) (ledger.Registration, error) {
	return ledger.Registration{}, m.err
}

// What another sweep has changed meanwhile is left to the next one; a register that fails is an error. Neither ends a
// test instance that is not written down.
func TestARegisterThatMoves(t *testing.T) {
	for err, fails := range map[error]bool{&ledger.MovedError{}: false, errOther: true} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			id, r := test(s)
			r.ID = ""
			memory := moved{s.Ledger.Kept, err}
			ends := leftovers.Tests{EC2: s.EC2, Register: memory, Waits: s.Ledger, Now: time.Now}
			got := ends.End(s.Context(), nil, []ledger.Registration{r})
			s.Same("ending it fails", got != nil, fails)
			s.Same("the test", s.Cloud.State(id), ec2.Running)

			image := unsettled(s, "cut-off", job.Result{Ending: job.Broken})
			time.Sleep(time.Hour)
			cut, _, err := s.Ledger.Kept.Registration(s.Context(), image)
			s.Must(err)
			l := leftImages(s)
			l.Register = memory
			got = l.Settle(s.Context(), nil, []ledger.Registration{cut})
			s.Same("settling fails", got != nil, fails)
			s.Same("the image is there", there(s, image), true)
		})
	}
}

var errOther = errors.New("the register cannot be written")

// Five that are down are named, and how many there are more.
func TestManyThatAreDown(t *testing.T) {
	for many, more := range map[int]string{5: "", 6: "1 more: goldsmith status names them", 7: "2 more: "} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			arn, _ := s.Execute("on")
			now := time.Now()
			for n := range many {
				id := s.Launch(fmt.Sprint("web-", n), nil)
				s.Set(id, ec2.Stopped)
				s.Hold(ledger.Claim{Source: id, Name: "web", Run: "on", Plan: "nightly", Execution: arn, Since: now,
					WasRunning: true, StopSent: now})
				place(s, ledger.Slot{Kind: ledger.Places, ID: fmt.Sprint(n), Source: id, Run: "on", Due: now.Add(time.Minute)})
			}
			time.Sleep(time.Hour)
			sweeps(s)
			said := s.Slack.Messages()[0].Terminal(false)
			s.Same("named", strings.Count(said, "of plan nightly is down since"), 5)
			s.Same("more: "+said, strings.Contains(said, more) && (more != "" || !strings.Contains(said, " more: ")), true)
		})
	}
}

// Two that come back at different sweeps are two messages of one run.
func TestTwoThatComeBackOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		arn, _ := s.Execute("cut")
		ids := []string{s.Web, s.Launch("db", nil)}
		for _, id := range ids {
			s.Set(id, ec2.Stopped)
			s.Hold(ledger.Claim{Source: id, Name: "web", Run: "cut", Plan: "nightly", Execution: arn, Since: time.Now(),
				WasRunning: true, StopSent: time.Now(), StopTried: time.Now()})
		}
		s.Abort(arn)
		_, err := s.Ledger.Kept.Notified(s.Context(), "cut", time.Now())
		s.Must(err)
		for _, id := range ids {
			time.Sleep(time.Hour)
			s.Set(id, ec2.Running)
			s.Cloud.Inject(ec2.Fault{Action: "StartInstances", Code: "InsufficientInstanceCapacity",
				Until: time.Now().Add(time.Minute)})
			sweeps(s)
		}
		back := 0
		for _, m := range s.Slack.Messages() {
			back += strings.Count(m.Terminal(false), "what it had left stopped")
		}
		s.Same("messages", back, 2)
	})
}

// A source of which its run has said that it stays down stays so until it is back.
func TestWhatItsRunHasSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		scene(s)
		s.Must(s.Ledger.Kept.PutResult(s.Context(), job.Result{Run: steptest.RunName, Source: s.Web, Name: "web",
			Ending: job.LeftStopped, Problem: "no room"}))
		sweeps(s)
		r := s.Results(steptest.RunName)[0]
		s.Same("result", []any{r.Ending, r.Problem, r.Shows, r.Restarted}, []any{job.LeftStopped, "no room", "", time.Time{}})
	})
}

// mute is an EC2 that gives no reason for the state of an instance.
type mute struct{ *sdk.Client }

func (m mute) DescribeInstances(
	ctx context.Context, in *sdk.DescribeInstancesInput, o ...func(*sdk.Options),
) (*sdk.DescribeInstancesOutput, error) {
	out, err := m.Client.DescribeInstances(ctx, in, o...)
	if err != nil {
		return nil, err
	}
	for _, r := range out.Reservations {
		for n := range r.Instances {
			r.Instances[n].StateReason, r.Instances[n].StateTransitionReason = nil, aws.String("")
		}
	}
	return out, nil
}

// A start that is taken back without a reason is one that fell back.
func TestAStartThatIsTakenBackWithoutAReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		scene(s)
		begun := time.Now().Add(-10 * time.Minute)
		with(func(c *ledger.Claim) { c.Left, c.Started = begun, begun })(s, nil)
		a := accountOf(s, nightlyOf(s))
		a.EC2 = mute{s.EC2}
		_, err := recovery.New(a).Handle(s.Context(), s.Sample("sweep"))
		s.Must(err)
		s.Same("refused by", s.Held(s.Web).RefusedBy, breaker.FellBack)
	})
}
