package recovery_test

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	recovery "goldsmith/functions/recover"
	"goldsmith/functions/recover/leftovers"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/register"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// test is a registered test instance of instance Web's image, ten minutes old, and its registration.
func test(s *steptest.Stage) (string, ledger.Registration) {
	s.Helper()
	return registeredAs(s, "token")
}

// clone is one of a clone.
func clone(s *steptest.Stage) (string, ledger.Registration) {
	s.Helper()
	return registeredAs(s, register.CloneToken(steptest.RunName, s.Web))
}

func registeredAs(s *steptest.Stage, token string) (string, ledger.Registration) {
	s.Helper()
	r, err := s.Ledger.Kept.Register(s.Context(), ledger.Registration{
		Kind: ledger.MadeTest, Call: ledger.RunInstances, Lineage: s.Web, Source: s.Web, Name: "web", Run: steptest.RunName,
		Token: token, From: ec2.ImageX86, Begun: time.Now(),
	})
	s.Must(err)
	id := launchWith(s, token)
	r.ID = id
	r, err = s.Ledger.Kept.Amend(s.Context(), r)
	s.Must(err)
	time.Sleep(10 * time.Minute)
	return id, r
}

// launchAs launches an instance with a test's tags.
func launchAs(s *steptest.Stage) {
	s.Helper()
	launchWith(s, "token")
}

func launchWith(s *steptest.Stage, token string) string {
	s.Helper()
	out, err := s.EC2.RunInstances(s.Context(), &sdk.RunInstancesInput{
		ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		ClientToken: aws.String(token),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance,
			Tags: tag.List(map[string]string{
				tag.Managed: "true", tag.BootTest: steptest.RunName, tag.Source: s.Web,
			})}},
	})
	s.Must(err)
	return aws.ToString(out.Instances[0].InstanceId)
}

func TestTestInstancesLeftBehind(t *testing.T) {
	var id string
	var open []ledger.Registration
	var claims []ledger.Claim
	worked := true
	claim := func(s *steptest.Stage) ledger.Claim { return ledger.Claim{Source: s.Web, Run: steptest.RunName} }
	scene := func(s *steptest.Stage) (handler.Func[json.RawMessage, struct{}], json.RawMessage) {
		worked = true
		var r ledger.Registration
		id, r = test(s)
		open = []ledger.Registration{r}
		claims = []ledger.Claim{claim(s)}
		bootTests := leftovers.Tests{
			EC2: s.EC2, Register: s.Ledger, Waits: s.Ledger, Now: time.Now,
			WorkedOn: func(context.Context, ledger.Claim) (bool, error) { return worked, nil },
		}
		return func(ctx context.Context, _ json.RawMessage) (struct{}, error) {
			return struct{}{}, bootTests.End(ctx, claims, open)
		}, nil
	}
	is := func(state ec2.State) func(s *steptest.Stage, _ struct{}) {
		return func(s *steptest.Stage, _ struct{}) { s.Same("state", s.Cloud.State(id), state) }
	}
	const ended = "DescribeInstances TerminateInstances Waits: ok"
	steptest.Play(t, scene, []steptest.Case[json.RawMessage, struct{}]{
		{Name: "its run works with it", Want: "DescribeInstances: ok", Then: is(ec2.Running)},
		{
			Name:  "its execution has ended",
			Given: func(*steptest.Stage, *json.RawMessage) { worked = false },
			Want:  ended, Then: is(ec2.ShuttingDown),
		},
		{
			Name:  "its source is claimed no more",
			Given: func(*steptest.Stage, *json.RawMessage) { claims = nil },
			Want:  ended, Then: is(ec2.ShuttingDown),
		},
		{
			Name:  "its source is another run's by now",
			Given: func(*steptest.Stage, *json.RawMessage) { claims[0].Run = "nightly-20000102T000000Z" },
			Want:  ended, Then: is(ec2.ShuttingDown),
		},
		{
			Name:  "older than any test, and its run goes on all the same",
			Given: func(*steptest.Stage, *json.RawMessage) { time.Sleep(5 * time.Hour) },
			Want:  ended, Then: is(ec2.ShuttingDown),
		},
		{
			Name:  "ended once, however often it is swept",
			Given: func(*steptest.Stage, *json.RawMessage) { claims = nil },
			Want:  ended + " | DescribeInstances Retire: ok", Between: func(*steptest.Stage) { time.Sleep(time.Minute) },
		},
		{
			Name: "what its run waited for is forgotten with it",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				claims = nil
				j := s.Job()
				s.Must(s.Ledger.Kept.Await(s.Context(), ledger.Wait{
					Resource: id, For: job.ForBooted, Run: steptest.RunName, Token: "token", Job: job.Document{Job: j},
					Since: time.Now(),
				}))
			},
			Want: "DescribeInstances TerminateInstances Waits Done: ok",
		},
		{
			Name: "somebody's termination protection stands in the way: told, and tried again",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				claims = nil
				s.Cloud.Inject(ec2.Fault{Action: "TerminateInstances", Code: "OperationNotPermitted"})
			},
			Want: "DescribeInstances TerminateInstances: Failed", Says: []string{"terminating test instance i-"},
		},
		{
			Name: "it is gone since it was looked at",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				claims = nil
				s.Cloud.Inject(ec2.Fault{Action: "TerminateInstances", Code: "InvalidInstanceID.NotFound"})
			},
			Want: ended,
		},
		{
			Name: "EC2 cannot be asked",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Code: "Unavailable"})
			},
			Want: "DescribeInstances*6: Transient", Says: []string{"looking for test instances"},
		},
	})
}

// What is not registered as a test instance, or does not agree, is never terminated, whatever its tags say; nor is
// a test that has only just begun.
func TestOnlyTestInstancesAreEnded(t *testing.T) {
	running := func(s *steptest.Stage, _ recovery.Answer) {
		s.Helper()
		out, err := s.EC2.DescribeInstances(s.Context(), &sdk.DescribeInstancesInput{})
		s.Must(err)
		for _, r := range out.Reservations {
			for _, i := range r.Instances {
				s.Same(aws.ToString(i.InstanceId), i.State.Name, types.InstanceStateNameRunning)
			}
		}
	}
	const looks = "Claims Slots DescribeInstances Unsettled DescribeInstances ListExecutions Since" + asks + ": ok"
	registered := func(s *steptest.Stage, change func(*ledger.Registration)) {
		s.Helper()
		r := ledger.Registration{
			Kind: ledger.MadeTest, Call: ledger.RunInstances, Lineage: s.Web, Source: s.Web, Run: steptest.RunName,
			Token: "token", From: ec2.ImageX86, Begun: time.Now(),
		}
		change(&r)
		_, err := s.Ledger.Kept.Register(s.Context(), r)
		s.Must(err)
	}
	steptest.Play(t, quiet, cases{
		{
			Name: "a server that carries the tags of a test", Want: calm, Then: running,
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Launch("production", map[string]string{tag.Managed: "true", tag.BootTest: steptest.RunName, tag.Source: s.Web})
				time.Sleep(time.Hour)
			},
		},
		{
			Name: "a registered test that has only just begun", Want: looks, Then: running,
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				registered(s, func(*ledger.Registration) {})
				launchAs(s)
				time.Sleep(time.Minute)
			},
		},
		{
			Name: "the registered token, and another image", Want: looks, Then: running,
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				registered(s, func(r *ledger.Registration) { r.From = ec2.ImageARM })
				launchAs(s)
				time.Sleep(30 * time.Minute)
			},
		},
		{
			Name: "another instance is registered", Want: looks, Then: running,
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				registered(s, func(r *ledger.Registration) { r.ID = "i-0123456789abcdef0" })
				launchAs(s)
				time.Sleep(30 * time.Minute)
			},
		},
		{
			Name: "nothing was launched: the registration ends after a day", Want: looks +
				" | Claims Slots DescribeInstances Unsettled DescribeInstances Retire ListExecutions Since" + asks + ": ok",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				registered(s, func(*ledger.Registration) {})
				time.Sleep(23 * time.Hour)
			},
			Between: func(*steptest.Stage) { time.Sleep(2 * time.Hour) },
		},
	})
}

// hidden is an EC2 that leaves instances out of its answers: all of them where it is asked by a filter, or always.
type hidden struct {
	*sdk.Client
	always bool
}

func (h hidden) DescribeInstances(
	ctx context.Context, in *sdk.DescribeInstancesInput, o ...func(*sdk.Options),
) (*sdk.DescribeInstancesOutput, error) {
	if h.always || len(in.Filters) > 0 {
		return &sdk.DescribeInstancesOutput{}, nil
	}
	return h.Client.DescribeInstances(ctx, in, o...)
}

// An answer without a test instance ends no registration: it is terminated once EC2 shows it again. Only what EC2 says
// does not exist, or is terminated, is gone.
func TestATestInstanceThatIsNotShown(t *testing.T) {
	for name, c := range map[string]struct {
		always, ended, registered bool
	}{
		"by its token":            {registered: true},
		"at all":                  {always: true, registered: true},
		"terminated by somebody":  {ended: true},
		"terminated, and no word": {always: true, ended: true, registered: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				id, r := test(s)
				if c.ended {
					s.Set(id, ec2.Terminated)
				}
				time.Sleep(5 * time.Hour)
				ends := leftovers.Tests{EC2: hidden{s.EC2, c.always}, Register: s.Ledger, Waits: s.Ledger, Now: time.Now}
				err := ends.End(s.Context(), nil, []ledger.Registration{r})
				s.Same("it says so", err != nil, c.always)
				kept, ok, err := s.Ledger.Kept.Registration(s.Context(), id)
				s.Must(err)
				s.Same("registered", ok && kept.Retired.IsZero(), c.registered)
			})
		})
	}
}

// Another instance with the same token and image, which anyone may launch who may describe the first, is left alone,
// and keeps the first from nothing.
func TestASecondInstanceWithTheToken(t *testing.T) {
	for _, answered := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			id, r := test(s)
			if !answered {
				r.ID = ""
			}
			other := s.Launch("other", nil, func(in *sdk.RunInstancesInput) { in.ImageId = aws.String(ec2.ImageX86) })
			time.Sleep(time.Hour)
			both := steptest.Twins{Client: s.EC2, Token: "token", Other: other}
			ends := leftovers.Tests{EC2: both, Register: s.Ledger.Kept, Waits: s.Ledger, Now: time.Now}
			s.Must(ends.End(s.Context(), nil, []ledger.Registration{r}))
			s.Same("the test", s.Cloud.State(id), ec2.ShuttingDown)
			s.Same("the other", s.Cloud.State(other), ec2.Running)
		})
	}
}
