package sfn

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"goldsmith/local/asl"
	"goldsmith/local/awsjson"
)

// operation reads its input from JSON and returns the output's shape.
type operation func(s *Service, body []byte) (any, error)

var operations = map[string]operation{
	"StartExecution":       typed((*Service).startExecution),
	"DescribeExecution":    typed((*Service).describeExecution),
	"ListExecutions":       typed((*Service).listExecutions),
	"StopExecution":        typed((*Service).stopExecution),
	"RedriveExecution":     typed((*Service).redriveExecution),
	"GetExecutionHistory":  typed((*Service).getExecutionHistory),
	"SendTaskSuccess":      typed((*Service).sendTaskSuccess),
	"SendTaskFailure":      typed((*Service).sendTaskFailure),
	"SendTaskHeartbeat":    typed((*Service).sendTaskHeartbeat),
	"DescribeStateMachine": typed((*Service).describeStateMachine),
	"ListStateMachines":    typed((*Service).listStateMachines),
	"DescribeMapRun":       typed((*Service).describeMapRun),
	"ListMapRuns":          typed((*Service).listMapRuns),

	"PublishStateMachineVersion": typed((*Service).publishStateMachineVersion),
	"ListStateMachineVersions":   typed((*Service).listStateMachineVersions),
	"ListStateMachineAliases":    typed((*Service).listStateMachineAliases),
	"DescribeStateMachineAlias":  typed((*Service).describeStateMachineAlias),
	"CreateStateMachineAlias":    typed((*Service).createStateMachineAlias),
	"UpdateStateMachineAlias":    typed((*Service).updateStateMachineAlias),
}

func typed[In any](do func(*Service, In) (any, error)) operation {
	return func(s *Service, body []byte) (any, error) {
		var in In
		if err := awsjson.Read(body, &in); err != nil {
			refused, _ := errors.AsType[*awsjson.Error](err)
			return nil, failure(refused.Code, "%s", refused.Message)
		}
		return do(s, in)
	}
}

// maxRequest is the service's limit on a request's length (Developer Guide, quotas).
const maxRequest = 1 << 20

// ServeHTTP answers one call of the Step Functions API.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	out, err := s.call(r)
	status := http.StatusOK
	if err != nil {
		status, out = http.StatusBadRequest, errorBody(err)
	}
	body, err := json.Marshal(out)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"__type":"InternalFailure"}`)
	}
	w.WriteHeader(status)
	// A client that has gone away needs no answer.
	_, _ = w.Write(body)
}

func (s *Service) call(r *http.Request) (any, error) {
	name := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AWSStepFunctions.")
	do := operations[name]
	if do == nil {
		return nil, failure("UnknownOperationException", "The operation %q is not part of this Step Functions", name)
	}
	if err := s.admit(name); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil {
		return nil, failure("SerializationException", "%v", err)
	}
	if len(body) > maxRequest {
		return nil, failure("RequestEntityTooLargeException", "The request is longer than %d bytes", maxRequest)
	}
	return do(s, body)
}

func errorBody(err error) any {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = failure("InternalFailure", "%v", err)
	}
	body := map[string]string{"__type": e.Code, "message": e.Message}
	if e.Reason != "" {
		body["reason"] = e.Reason
	}
	return body
}

// object is an output shape; absent members are left out.
type object map[string]any

func (o object) set(name, value string) object {
	if value != "" {
		o[name] = value
	}
	return o
}

// seconds is how the protocol writes a timestamp: seconds since 1970, with
// milliseconds as decimals.
func seconds(t time.Time) any { return float64(t.UnixMilli()) / 1000 }

func present(name, value string) error {
	if value == "" {
		return failure("ValidationException",
			"1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", name)
	}
	return nil
}

type startInput struct{ StateMachineArn, Name, Input string }

func (s *Service) startExecution(in startInput) (any, error) {
	if err := present("stateMachineArn", in.StateMachineArn); err != nil {
		return nil, err
	}
	r, err := s.start(in.StateMachineArn, in.Name, in.Input)
	if err != nil {
		return nil, err
	}
	return object{"executionArn": r.ID, "startDate": seconds(r.Started)}, nil
}

type stopInput struct{ ExecutionArn, Error, Cause string }

func (s *Service) stopExecution(in stopInput) (any, error) {
	if err := present("executionArn", in.ExecutionArn); err != nil {
		return nil, err
	}
	if err := s.Stop(in.ExecutionArn, in.Error, in.Cause); err != nil {
		return nil, err
	}
	r, err := s.find(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	stopped := r.Outcome().Stopped
	if stopped.IsZero() {
		stopped = s.options.Clock.Now()
	}
	return object{"stopDate": seconds(stopped)}, nil
}

type executionInput struct{ ExecutionArn string }

func (s *Service) describeExecution(in executionInput) (any, error) {
	if err := present("executionArn", in.ExecutionArn); err != nil {
		return nil, err
	}
	r, err := s.find(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	x := r.describe()
	status, reason := redriveOf(x)
	out := x.listed()
	out["input"], out["inputDetails"] = x.Input, object{"included": true}
	out["redriveStatus"], out["redriveStatusReason"] = status, reason
	if x.Status == asl.Succeeded {
		out["output"], out["outputDetails"] = x.Output, object{"included": true}
	}
	if x.failed {
		out["error"], out["cause"] = x.Error, x.Cause
	}
	return out, nil
}

// listed is what ListExecutions tells of an execution.
func (x Execution) listed() object {
	out := object{
		"executionArn": x.ARN, "stateMachineArn": x.Machine, "name": x.Name,
		"status": x.Status, "startDate": seconds(x.Started), "redriveCount": x.Redrives,
	}
	if x.Redrives > 0 {
		out["redriveDate"] = seconds(x.Redriven)
	}
	if !x.Stopped.IsZero() {
		out["stopDate"] = seconds(x.Stopped)
	}
	return out.set("mapRunArn", x.MapRun).set("stateMachineVersionArn", x.Version).set("stateMachineAliasArn", x.Alias)
}
