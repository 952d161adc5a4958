package steptest

import (
	"context"
	"encoding/json"
	"sync"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"goldsmith/local/asl"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/source"
)

// RunName is the run of Job. The fake time of a bubble begins at this moment.
const RunName = "nightly-20000101T000000Z"

// child is the ARN of a source's execution; Step Functions does not know it.
const child = "arn:aws:states:" + Region + ":" + Account +
	":execution:goldsmith/source:3f1c2b6a-7d2e-3a55-9a0b-5f8f6c1d2e3f"

// Run is the run that Job is part of.
func (s *Stage) Run() job.Run {
	now := time.Now().UTC()
	return job.Run{Name: RunName, Plan: s.Plan.Name, Scheduled: now, Closes: now.Add(time.Duration(s.Plan.Window))}
}

// Job is the job of instance Web as claim leaves it, to be stopped, imaged and
// started again. Its claim and its place are in the ledger.
func (s *Stage) Job() job.Job {
	s.Helper()
	instance, ok, err := source.Find(s.Context(), s.EC2, s.Web)
	if s.Must(err); !ok {
		s.Fatalf("there is no instance %s", s.Web)
	}
	j := job.Job{
		Run: s.Run(), Plan: s.Plan, Execution: child, Decision: job.StopFirst,
		Source: job.Source{
			ID: s.Web, Kind: job.Instance, Name: "web", Tags: source.Tags(instance), Volumes: source.Volumes(instance),
			InstanceType: string(instance.InstanceType), Architecture: string(instance.Architecture), WasRunning: true,
		},
		Times: job.Times{Claimed: time.Now().UTC()},
	}
	j.Image.Name, j.Place = image.Name(j), "000000"
	_, err = s.Ledger.Kept.Take(s.Context(), ledger.Slot{
		Plan: s.Plan.Name, Kind: ledger.Places, ID: j.Place, Source: s.Web, Run: RunName, Since: time.Now(),
	}, time.Time{})
	s.Must(err)
	s.Hold(ledger.Claim{
		Source: s.Web, Kind: job.Instance, Name: "web", Run: RunName, Plan: s.Plan.Name, Execution: child,
		Since: time.Now(), WasRunning: true, Looked: true,
	})
	return j
}

// Hold puts a claim into the ledger.
func (s *Stage) Hold(c ledger.Claim) {
	s.Helper()
	_, err := s.Ledger.Kept.Claim(s.Context(), c)
	s.Must(err)
	s.Must(s.Ledger.Kept.Record(s.Context(), c))
}

// Held is the claim of a source; nil when there is none.
func (s *Stage) Held(source string) *ledger.Claim {
	s.Helper()
	for c, err := range s.Ledger.Kept.Claims(s.Context()) {
		if s.Must(err); c.Source == source {
			return &c
		}
	}
	return nil
}

// Results are the results of a run in source order.
func (s *Stage) Results(run string) []job.Result {
	s.Helper()
	var results []job.Result
	for r, err := range s.Ledger.Kept.Results(s.Context(), run) {
		s.Must(err)
		results = append(results, r)
	}
	return results
}

// waiting is a state machine whose executions run until their token is completed.
const waiting = `{"StartAt":"Wait","States":{"Wait":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken",
	"Parameters":{"FunctionName":"wait","Payload":{"token.$":"$$.Task.Token"}},"End":true}}}`

// Execute starts an execution of Machine and returns its ARN and the task token it waits for.
func (s *Stage) Execute(name string) (arn, token string) {
	s.Helper()
	out, err := s.SFN.StartExecution(s.Context(), &sfn.StartExecutionInput{
		StateMachineArn: aws.String(Machine), Name: aws.String(name), Input: aws.String("{}"),
	})
	s.Must(err)
	synctest.Wait()
	return aws.ToString(out.ExecutionArn), s.tokens.last()
}

// Abort stops an execution, as a person may.
func (s *Stage) Abort(arn string) {
	s.Helper()
	s.Must(s.States.Stop(arn, "", ""))
	synctest.Wait()
}

// Outcome is the status of an execution, and its output or cause.
func (s *Stage) Outcome(arn string) (status, text string) {
	s.Helper()
	synctest.Wait()
	out, err := s.SFN.DescribeExecution(s.Context(), &sfn.DescribeExecutionInput{ExecutionArn: aws.String(arn)})
	s.Must(err)
	return string(out.Status), aws.ToString(out.Output) + aws.ToString(out.Cause)
}

// tokens is the function that the waiting state calls: it keeps the token.
type tokens struct {
	mu   sync.Mutex
	kept []string
}

// Invoke implements asl.Invoker.
func (k *tokens) Invoke(_ context.Context, _ string, payload []byte) ([]byte, *asl.Error) {
	var given struct{ Token string }
	if err := json.Unmarshal(payload, &given); err != nil {
		return nil, asl.FunctionError("Failed", err.Error())
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept = append(k.kept, given.Token)
	return nil, nil
}

func (k *tokens) last() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.kept[len(k.kept)-1]
}
