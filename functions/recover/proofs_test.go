package recovery_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	recovery "goldsmith/functions/recover"
	"goldsmith/local/ec2"
	"goldsmith/local/stage"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
)

// test is a test instance of instance Web's image, ten minutes old.
func test(s *stage.Stage) string {
	s.Helper()
	id := s.Launch("goldsmith proof of web", map[string]string{tag.Managed: "true", tag.Proof: stage.RunName, tag.Source: s.Web})
	time.Sleep(10 * time.Minute)
	return id
}

func TestTestInstancesLeftBehind(t *testing.T) {
	var id string
	var claims []ledger.Claim
	worked := true
	claim := func(s *stage.Stage) ledger.Claim { return ledger.Claim{Source: s.Web, Run: stage.RunName} }
	scene := func(s *stage.Stage) (handler.Func[json.RawMessage, struct{}], json.RawMessage) {
		id, worked = test(s), true
		claims = []ledger.Claim{claim(s)}
		proofs := recovery.Proofs{
			EC2: s.EC2, Waits: s.Ledger, Now: time.Now,
			WorkedOn: func(context.Context, ledger.Claim) (bool, error) { return worked, nil },
		}
		return func(ctx context.Context, _ json.RawMessage) (struct{}, error) {
			return struct{}{}, proofs.End(ctx, claims)
		}, nil
	}
	is := func(state ec2.State) func(s *stage.Stage, _ struct{}) {
		return func(s *stage.Stage, _ struct{}) { s.Same("state", s.Cloud.State(id), state) }
	}
	const ended = "DescribeInstances TerminateInstances Waits: ok"
	stage.Play(t, scene, []stage.Case[json.RawMessage, struct{}]{
		{Name: "its run works with it", Want: "DescribeInstances: ok", Then: is(ec2.Running)},
		{
			Name:  "its execution has ended",
			Given: func(*stage.Stage, *json.RawMessage) { worked = false },
			Want:  ended, Then: is(ec2.ShuttingDown),
		},
		{
			Name:  "its source is claimed no more",
			Given: func(*stage.Stage, *json.RawMessage) { claims = nil },
			Want:  ended, Then: is(ec2.ShuttingDown),
		},
		{
			Name:  "its source is another run's by now",
			Given: func(*stage.Stage, *json.RawMessage) { claims[0].Run = "nightly-20000102T000000Z" },
			Want:  ended, Then: is(ec2.ShuttingDown),
		},
		{
			Name:  "older than any test, and its run goes on all the same",
			Given: func(*stage.Stage, *json.RawMessage) { time.Sleep(5 * time.Hour) },
			Want:  ended, Then: is(ec2.ShuttingDown),
		},
		{
			Name:  "ended once, however often it is swept",
			Given: func(*stage.Stage, *json.RawMessage) { claims = nil },
			Want:  ended + " | DescribeInstances: ok", Between: func(*stage.Stage) { time.Sleep(time.Minute) },
		},
		{
			Name: "what its run waited for is forgotten with it",
			Given: func(s *stage.Stage, _ *json.RawMessage) {
				claims = nil
				j := s.Job()
				s.Must(s.Ledger.Kept.Await(s.Context(), ledger.Wait{
					Resource: id, For: job.ForBooted, Run: stage.RunName, Token: "token", Job: job.Document{Job: j}, Since: time.Now(),
				}))
			},
			Want: "DescribeInstances TerminateInstances Waits Done: ok",
		},
		{
			Name: "somebody's termination protection stands in the way: told, and tried again",
			Given: func(s *stage.Stage, _ *json.RawMessage) {
				claims = nil
				s.Cloud.Inject(ec2.Fault{Action: "TerminateInstances", Code: "OperationNotPermitted"})
			},
			Want: "DescribeInstances TerminateInstances: Failed", Says: []string{"terminating test instance i-"},
		},
		{
			Name: "EC2 cannot be asked",
			Given: func(s *stage.Stage, _ *json.RawMessage) {
				s.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Code: "Unavailable"})
			},
			Want: "DescribeInstances*6: Throttled", Says: []string{"looking for test instances"},
		},
	})
}

// What has no tag of a test is never terminated, nor is a test that has only just begun.
func TestOnlyTestInstancesAreEnded(t *testing.T) {
	stage.Play(t, quiet, cases{
		{
			Name: "a server, and a test that may be claimed since the claims were read",
			Given: func(s *stage.Stage, _ *json.RawMessage) {
				time.Sleep(time.Hour)
				s.Launch("goldsmith proof of web", map[string]string{tag.Proof: stage.RunName, tag.Source: s.Web})
			},
			Want: calm,
			Then: func(s *stage.Stage, _ recovery.Answer) { s.Same("state", s.Cloud.State(s.Web), ec2.Running) },
		},
	})
}
