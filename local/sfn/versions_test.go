package sfn

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"goldsmith/local/asl"
)

// second publishes two versions of the machine, the second of which waits a second only, and makes the alias live.
func (w *world) second(t *testing.T) {
	t.Helper()
	for n, definition := range []string{waits, strings.Replace(waits, "60", "1", 1)} {
		same(t, "updating", w.Update(machine1, []byte(definition), nil), nil)
		out, err := w.client.PublishStateMachineVersion(t.Context(), &sfn.PublishStateMachineVersionInput{
			StateMachineArn: aws.String(machine1),
		})
		same(t, "publishing", err, nil)
		same(t, "version", aws.ToString(out.StateMachineVersionArn), machine1+":"+string(rune('1'+n)))
	}
	_, err := w.client.CreateStateMachineAlias(t.Context(), &sfn.CreateStateMachineAliasInput{
		Name: aws.String("live"), RoutingConfiguration: routes(100, 0),
	})
	same(t, "making the alias", err, nil)
}

// routes lead to the first and the second version.
func routes(first, second int32) []types.RoutingConfigurationListItem {
	var all []types.RoutingConfigurationListItem
	for n, weight := range []int32{first, second} {
		if weight > 0 {
			all = append(all, types.RoutingConfigurationListItem{
				StateMachineVersionArn: aws.String(machine1 + ":" + string(rune('1'+n))), Weight: weight,
			})
		}
	}
	return all
}

func (w *world) begin(t *testing.T, through string) *sfn.DescribeExecutionOutput {
	t.Helper()
	out, err := w.client.StartExecution(t.Context(), &sfn.StartExecutionInput{
		StateMachineArn: aws.String(machine1 + through),
	})
	if err != nil {
		t.Fatal(err)
	}
	return w.describe(t, *out.ExecutionArn)
}

// Developer Guide, "Starting a state machine execution with versions and aliases".
func TestAnExecutionRunsTheVersionThatItWasStartedThrough(t *testing.T) {
	inBubble(t, waits, func(t *testing.T, w *world) {
		w.second(t)
		for through, want := range map[string]struct {
			version, alias string
			takes          time.Duration
		}{
			"":      {"", "", time.Second},
			":1":    {machine1 + ":1", "", time.Minute},
			":2":    {machine1 + ":2", "", time.Second},
			":live": {machine1 + ":1", machine1 + ":live", time.Minute},
		} {
			d := w.begin(t, through)
			same(t, through+": version", aws.ToString(d.StateMachineVersionArn), want.version)
			same(t, through+": alias", aws.ToString(d.StateMachineAliasArn), want.alias)
			same(t, through+": machine", aws.ToString(d.StateMachineArn), machine1)
			x, err := w.Wait(t.Context(), *d.ExecutionArn)
			same(t, "error", err, nil)
			same(t, through+": takes", x.Stopped.Sub(x.Started), want.takes)
			list, err := w.client.ListExecutions(t.Context(), &sfn.ListExecutionsInput{
				StateMachineArn: aws.String(machine1 + through),
			})
			same(t, "error", err, nil)
			if len(list.Executions) == 0 || through != "" && len(list.Executions) > 2 {
				t.Errorf("%s: %d listed", through, len(list.Executions))
			}
		}
	})
}

// API reference, StartExecution, and RoutingConfigurationListItem.
func TestVersionsAndAliasesThatAreNotAreRefused(t *testing.T) {
	inBubble(t, waits, func(t *testing.T, w *world) {
		w.second(t)
		for _, qualifier := range []string{":3", ":dead", ":0"} {
			_, err := w.client.StartExecution(t.Context(), &sfn.StartExecutionInput{
				StateMachineArn: aws.String(machine1 + qualifier),
			})
			isError[*types.StateMachineDoesNotExist](t, err)
		}
		lead := func(alias string, routes []types.RoutingConfigurationListItem) error {
			_, err := w.client.UpdateStateMachineAlias(t.Context(), &sfn.UpdateStateMachineAliasInput{
				StateMachineAliasArn: aws.String(machine1 + alias), RoutingConfiguration: routes,
			})
			return err
		}
		isError[*types.ResourceNotFound](t, lead(":dead", routes(100, 0)))
		isError[*types.ResourceNotFound](t, lead(":1", routes(100, 0)))
		isError[*types.ValidationException](t, lead(":live", routes(50, 40)))
		isError[*types.ValidationException](t, lead(":live", nil))
		none := routes(100, 0)
		none[0].StateMachineVersionArn = aws.String(machine1 + ":9")
		isError[*types.ResourceNotFound](t, lead(":live", none))
		d, err := w.client.DescribeStateMachineAlias(t.Context(), &sfn.DescribeStateMachineAliasInput{
			StateMachineAliasArn: aws.String(machine1 + ":live"),
		})
		same(t, "error", err, nil)
		same(t, "it leads to", aws.ToString(d.RoutingConfiguration[0].StateMachineVersionArn), machine1+":1")
	})
}

func TestAnAliasIsMovedAndShared(t *testing.T) {
	inBubble(t, waits, func(t *testing.T, w *world) {
		w.second(t)
		_, err := w.client.UpdateStateMachineAlias(t.Context(), &sfn.UpdateStateMachineAliasInput{
			StateMachineAliasArn: aws.String(machine1 + ":live"), RoutingConfiguration: routes(50, 50),
		})
		same(t, "error", err, nil)
		seen := map[string]int{}
		for range 40 {
			seen[aws.ToString(w.begin(t, ":live").StateMachineVersionArn)]++
		}
		if seen[machine1+":1"] < 5 || seen[machine1+":2"] < 5 {
			t.Errorf("half and half is %v", seen)
		}
		out, err := w.client.ListStateMachineVersions(t.Context(), &sfn.ListStateMachineVersionsInput{
			StateMachineArn: aws.String(machine1), MaxResults: 1,
		})
		same(t, "error", err, nil)
		if v := out.StateMachineVersions; len(v) != 1 || *v[0].StateMachineVersionArn != machine1+":2" ||
			out.NextToken == nil {
			t.Errorf("%+v", out)
		}
	})
}

// counts is a Map run with what its children have come to.
func (w *world) counts(t *testing.T, run string) (*sfn.DescribeMapRunOutput, types.MapRunExecutionCounts) {
	t.Helper()
	d, err := w.client.DescribeMapRun(t.Context(), &sfn.DescribeMapRunInput{MapRunArn: &run})
	if err != nil {
		t.Fatal(err)
	}
	c := *d.ExecutionCounts
	return d, types.MapRunExecutionCounts{
		Running: c.Running, Pending: c.Pending, Succeeded: c.Succeeded, Failed: c.Failed, Aborted: c.Aborted, Total: c.Total,
	}
}

// API reference, DescribeMapRun and ListMapRuns.
func TestAMapRunIsCounted(t *testing.T) {
	inBubble(t, fleet, func(t *testing.T, w *world) {
		arn := w.start(t, "a", `[{"n":1},{"bad":true},{"n":3},{"n":4}]`)
		time.Sleep(time.Second)
		run := mapRunOf(t, w, arn)
		d, counts := w.counts(t, run)
		same(t, "of", []any{*d.ExecutionArn, d.Status, d.StopDate == nil}, []any{arn, types.MapRunStatusRunning, true})
		same(t, "limits", []any{d.MaxConcurrency, d.ToleratedFailurePercentage}, []any{int32(2), float32(100)})
		if counts.Running != 2 || counts.Failed != 1 || counts.Pending != 1 || counts.Total != 4 {
			t.Errorf("while it goes on: %+v", counts)
		}
		same(t, "stopping", w.Stop(arn, "", ""), nil)
		_, err := w.Wait(t.Context(), arn)
		same(t, "error", err, nil)
		d, counts = w.counts(t, run)
		same(t, "stopped", []any{d.Status, d.StopDate != nil}, []any{types.MapRunStatusAborted, true})
		if counts.Aborted != 3 || counts.Failed != 1 {
			t.Errorf("once it was stopped: %+v", counts)
		}
		list, err := w.client.ListMapRuns(t.Context(), &sfn.ListMapRunsInput{ExecutionArn: &arn})
		if err != nil || len(list.MapRuns) != 1 || *list.MapRuns[0].MapRunArn != run {
			t.Errorf("%+v %v", list, err)
		}
		_, err = w.client.DescribeMapRun(t.Context(), &sfn.DescribeMapRunInput{MapRunArn: aws.String(run + "0")})
		isError[*types.ResourceNotFound](t, err)
	})
}

// Developer Guide, "Setting failure thresholds for Distributed Map states": failed or timed out.
func TestAnAbortedChildIsNoFailure(t *testing.T) {
	strict := strings.Replace(fleet, `"ToleratedFailurePercentage":100`, `"ToleratedFailurePercentage":0`, 1)
	inBubble(t, strict, func(t *testing.T, w *world) {
		arn := w.start(t, "a", `[{"n":1},{"n":2}]`)
		time.Sleep(time.Second)
		run := mapRunOf(t, w, arn)
		for _, child := range w.List(Filter{MapRun: run})[:1] {
			same(t, "stopping", w.Stop(child.ARN, "", ""), nil)
		}
		x, err := w.Wait(t.Context(), arn)
		same(t, "error", err, nil)
		same(t, "status", x.Status, asl.Succeeded)
	})
	inBubble(t, strict, func(t *testing.T, w *world) {
		x, err := w.Wait(t.Context(), w.start(t, "a", `[{"bad":true},{"n":2}]`))
		same(t, "error", err, nil)
		same(t, "status", x.Status, asl.Failed)
		same(t, "its error", x.Error, "States.ExceedToleratedFailureThreshold")
	})
}

// Developer Guide, "Quotas related to state throttling".
func TestStateTransitionsAreThrottled(t *testing.T) {
	inBubble(t, waits, func(t *testing.T, w *world) {
		w.Service = New(Options{
			Clock: w.options.Clock, Region: region, Account: account, Invoker: w, TransitionsPerSecond: 10,
		})
		passes := `{"StartAt":"P","States":{"P":{"Type":"Pass","Next":"Q"},"Q":{"Type":"Pass","End":true}}}`
		arn, err := w.Create("night", []byte(passes), nil)
		same(t, "error", err, nil)
		began, last := time.Now(), time.Time{}
		var all []string
		for range 30 {
			x, err := w.Start(arn, "", "")
			same(t, "error", err, nil)
			all = append(all, x)
		}
		for _, x := range all {
			ended, err := w.Wait(t.Context(), x)
			same(t, "error", err, nil)
			same(t, "status", ended.Status, asl.Succeeded)
			if ended.Stopped.After(last) {
				last = ended.Stopped
			}
		}
		// Sixty transitions: ten at once, the other fifty at ten a second.
		same(t, "takes", last.Sub(began).Round(100*time.Millisecond), 5*time.Second)
		w.Close()
	})
}
