package members

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

const (
	// sampleMachine waits as long as its input says, or fails.
	sampleMachine = `{"StartAt":"Is","States":{
		"Is":{"Type":"Choice","Choices":[{"Variable":"$.seconds","IsPresent":true,"Next":"W"}],"Default":"No"},
		"W":{"Type":"Wait","SecondsPath":"$.seconds","End":true},"No":{"Type":"Fail","Error":"Bad","Cause":"it was"}}}`
	askingMachine = `{"StartAt":"T","States":{"T":{"Type":"Task","HeartbeatSeconds":80000,
		"Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken",
		"Parameters":{"FunctionName":"goldsmith-refresh","Payload":{"token.$":"$$.Task.Token"}},"End":true}}}`
	// eachMachine has a Map run for each of its items.
	eachMachine = `{"StartAt":"M","States":{"M":{"Type":"Map","Label":"L","ToleratedFailurePercentage":100,
		"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},
		"StartAt":"W","States":{"W":{"Type":"Wait","SecondsPath":"$","End":true}}},"Next":"N"},
		"N":{"Type":"Map","Label":"K","ToleratedFailurePercentage":100,
		"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},
		"StartAt":"V","States":{"V":{"Type":"Wait","SecondsPath":"$","End":true}}},"End":true}}}`
	machineARN = "arn:aws:states:eu-central-1:123456789012:stateMachine:sample"
)

// executions makes one that runs, one that has succeeded and one that has failed.
func (w *world) executions() {
	must(w.suite.States.Create("sample", []byte(sampleMachine), nil))(w)
	for _, x := range [][2]string{{"running", `{"seconds":1000000}`}, {"failed", `{}`}, {"failed too", `{}`},
		{"done", `{"seconds":1}`}} {
		out := must(w.states.StartExecution(w.t.Context(), &sfn.StartExecutionInput{
			StateMachineArn: aws.String(machineARN), Name: aws.String(strings.ReplaceAll(x[0], " ", "-")), Input: &x[1],
		}))(w)
		w.ids[x[0]] = aws.ToString(out.ExecutionArn)
		time.Sleep(time.Minute)
	}
	w.ask()
	w.mapRuns()
	w.versions()
}

// mapRuns makes an execution with two Map runs.
func (w *world) mapRuns() {
	ctx := w.t.Context()
	each := must(w.suite.States.Create("each", []byte(eachMachine), nil))(w)
	out := must(w.states.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: &each, Name: aws.String("each"), Input: aws.String("[1,2]"),
	}))(w)
	w.ids["each"] = aws.ToString(out.ExecutionArn)
	time.Sleep(time.Minute)
	runs := must(w.states.ListMapRuns(ctx, &sfn.ListMapRunsInput{ExecutionArn: out.ExecutionArn}))(w).MapRuns
	w.ids["map run"], w.ids["other map run"] = aws.ToString(runs[0].MapRunArn), aws.ToString(runs[1].MapRunArn)
}

// versions publishes two of the sample, and makes two aliases.
func (w *world) versions() {
	ctx := w.t.Context()
	for range 2 {
		must(w.states.PublishStateMachineVersion(ctx, &sfn.PublishStateMachineVersionInput{
			StateMachineArn: aws.String(machineARN),
		}))(w)
		changed := strings.Replace(sampleMachine, "it was", "it is", 1)
		if err := w.suite.States.Update(machineARN, []byte(changed), nil); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, name := range []string{"live", "test"} {
		must(w.states.CreateStateMachineAlias(ctx, &sfn.CreateStateMachineAliasInput{
			Name: &name, RoutingConfiguration: leadingTo(1),
		}))(w)
	}
}

func leadingTo(version int) []sfntypes.RoutingConfigurationListItem {
	return []sfntypes.RoutingConfigurationListItem{{
		StateMachineVersionArn: aws.String(fmt.Sprint(machineARN, ":", version)), Weight: 100,
	}}
}

// ask makes an execution that waits for its task's token.
func (w *world) ask() {
	ctx := w.t.Context()
	asks := must(w.suite.States.Create("asks", []byte(askingMachine), nil))(w)
	asking := must(w.states.StartExecution(ctx,
		&sfn.StartExecutionInput{StateMachineArn: &asks, Name: aws.String("asking")}))(w)
	w.ids["asking"] = aws.ToString(asking.ExecutionArn)
	time.Sleep(time.Minute)
	history := must(w.states.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: asking.ExecutionArn}))(w)
	for _, e := range history.Events {
		if e.TaskScheduledEventDetails == nil {
			continue
		}
		var sent struct{ Payload struct{ Token string } }
		if err := json.Unmarshal([]byte(*e.TaskScheduledEventDetails.Parameters), &sent); err != nil {
			w.t.Fatal(err)
		}
		w.ids["token"] = sent.Payload.Token
	}
}

var workflowBases = map[string]func(*world) any{
	"sfn.DescribeMapRun": func(w *world) any { return &sfn.DescribeMapRunInput{MapRunArn: w.id("map run")} },
	"sfn.ListMapRuns":    func(w *world) any { return &sfn.ListMapRunsInput{ExecutionArn: w.id("each")} },
	"sfn.ListStateMachineVersions": func(*world) any {
		return &sfn.ListStateMachineVersionsInput{StateMachineArn: aws.String(machineARN)}
	},
	"sfn.ListStateMachineAliases": func(*world) any {
		return &sfn.ListStateMachineAliasesInput{StateMachineArn: aws.String(machineARN)}
	},
	"sfn.PublishStateMachineVersion": func(w *world) any {
		changed := strings.Replace(sampleMachine, "it was", "it will be", 1)
		_ = w.suite.States.Update(machineARN, []byte(changed), nil)
		return &sfn.PublishStateMachineVersionInput{StateMachineArn: aws.String(machineARN)}
	},
	"sfn.DescribeStateMachineAlias": func(*world) any {
		return &sfn.DescribeStateMachineAliasInput{StateMachineAliasArn: aws.String(machineARN + ":live")}
	},
	"sfn.CreateStateMachineAlias": func(*world) any {
		return &sfn.CreateStateMachineAliasInput{Name: aws.String("new"), RoutingConfiguration: leadingTo(1)}
	},
	"sfn.UpdateStateMachineAlias": func(*world) any {
		return &sfn.UpdateStateMachineAliasInput{
			StateMachineAliasArn: aws.String(machineARN + ":live"), RoutingConfiguration: leadingTo(1),
		}
	},
	"sfn.StartExecution": func(*world) any {
		return &sfn.StartExecutionInput{
			StateMachineArn: aws.String(machineARN), Name: aws.String("new"), Input: aws.String(`{"seconds":1}`),
		}
	},
	"sfn.StopExecution":       func(w *world) any { return &sfn.StopExecutionInput{ExecutionArn: w.id("running")} },
	"sfn.RedriveExecution":    func(w *world) any { return &sfn.RedriveExecutionInput{ExecutionArn: w.id("failed")} },
	"sfn.DescribeExecution":   func(w *world) any { return &sfn.DescribeExecutionInput{ExecutionArn: w.id("failed")} },
	"sfn.GetExecutionHistory": func(w *world) any { return &sfn.GetExecutionHistoryInput{ExecutionArn: w.id("failed")} },
	"sfn.ListExecutions": func(*world) any {
		return &sfn.ListExecutionsInput{StateMachineArn: aws.String(machineARN)}
	},
	"sfn.DescribeStateMachine": func(*world) any {
		return &sfn.DescribeStateMachineInput{StateMachineArn: aws.String(machineARN)}
	},
	"sfn.SendTaskSuccess": func(w *world) any {
		return &sfn.SendTaskSuccessInput{TaskToken: w.id("token"), Output: aws.String(`{}`)}
	},
	"sfn.SendTaskSuccess.TaskToken":   func(*world) any { return &sfn.SendTaskSuccessInput{Output: aws.String(`{}`)} },
	"sfn.SendTaskFailure.TaskToken":   func(*world) any { return &sfn.SendTaskFailureInput{} },
	"sfn.SendTaskHeartbeat.TaskToken": func(*world) any { return &sfn.SendTaskHeartbeatInput{} },
	"sfn.SendTaskFailure":             func(w *world) any { return &sfn.SendTaskFailureInput{TaskToken: w.id("token")} },
	"sfn.SendTaskHeartbeat":           func(w *world) any { return &sfn.SendTaskHeartbeatInput{TaskToken: w.id("token")} },
	"lambda.Invoke": func(*world) any {
		return &lambda.InvokeInput{FunctionName: aws.String("goldsmith-watch")}
	},
	"lambda.GetFunctionConfiguration": func(*world) any {
		return &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("goldsmith-watch")}
	},
}
