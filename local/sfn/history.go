package sfn

import (
	"slices"
	"strings"

	"goldsmith/local/asl"
)

type historyInput struct {
	ExecutionArn, NextToken string
	MaxResults              int
	ReverseOrder            bool
	IncludeExecutionData    *bool
}

// getExecutionHistory shows what was recorded; nothing without Options.History.
func (s *Service) getExecutionHistory(in historyInput) (any, error) {
	if err := present("executionArn", in.ExecutionArn); err != nil {
		return nil, err
	}
	r, err := s.find(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	size, err := pageSize(in.MaxResults)
	if err != nil {
		return nil, err
	}
	from, err := pageAfter(in.NextToken)
	if err != nil {
		return nil, err
	}
	events := r.History()
	if in.ReverseOrder {
		slices.Reverse(events)
	}
	h := historian{region: s.options.Region, role: r.RoleARN, data: in.IncludeExecutionData == nil ||
		*in.IncludeExecutionData}
	end := min(len(events), from+size)
	list := []object{}
	for _, e := range events[min(from, end):end] {
		list = append(list, h.event(e))
	}
	out := object{"events": list}
	if end < len(events) {
		out["nextToken"] = page(end)
	}
	return out, nil
}

// historian writes events in the API's shape.
type historian struct {
	region, role string
	data         bool
}

func (h historian) event(e asl.Event) object {
	out := object{"timestamp": seconds(e.At), "type": e.Type, "id": e.ID, "previousEventId": e.Previous}
	details := h.details(e)
	if details == nil {
		return out
	}
	out[detailsName(e.Type)] = details
	return out
}

// detailsName: all states share the details of entering and leaving, and all
// ends of an iteration those of an iteration.
func detailsName(kind string) string {
	switch {
	case strings.HasSuffix(kind, "StateEntered"):
		kind = "StateEntered"
	case strings.HasSuffix(kind, "StateExited"):
		kind = "StateExited"
	}
	return strings.ToLower(kind[:1]) + kind[1:] + "EventDetails"
}

// details are nil for the types that have none.
func (h historian) details(e asl.Event) object {
	switch {
	case strings.HasSuffix(e.Type, "StateEntered"):
		return h.with(object{"name": e.Name}, "input", e.Data)
	case strings.HasSuffix(e.Type, "StateExited"):
		return h.with(object{"name": e.Name}, "output", e.Data)
	case strings.HasPrefix(e.Type, "Execution"):
		return h.execution(e)
	case strings.HasPrefix(e.Type, "Map"):
		return mapDetails(e)
	case strings.HasPrefix(e.Type, "LambdaFunction"):
		return h.lambda(e)
	case strings.HasPrefix(e.Type, "Task"):
		return h.task(e)
	}
	return nil
}

func (h historian) execution(e asl.Event) object {
	switch e.Type {
	case "ExecutionStarted":
		return h.with(object{"roleArn": h.role}, "input", e.Data)
	case "ExecutionSucceeded":
		return h.with(object{}, "output", e.Data)
	}
	return failed(object{}, e)
}

func mapDetails(e asl.Event) object {
	switch e.Type {
	case "MapStateStarted":
		return object{"length": e.Index}
	case "MapRunStarted":
		return object{"mapRunArn": e.MapRun}
	case "MapRunFailed":
		return failed(object{}, e)
	}
	if strings.HasPrefix(e.Type, "MapIteration") {
		return object{"name": e.Name, "index": e.Index}
	}
	return nil
}

func (h historian) lambda(e asl.Event) object {
	switch e.Type {
	case "LambdaFunctionScheduled":
		return limit(h.with(object{"resource": e.State.Resource}, "input", e.Data), "timeoutInSeconds", e.Timeout)
	case "LambdaFunctionSucceeded":
		return h.with(object{}, "output", e.Data)
	case "LambdaFunctionStarted":
		return nil
	}
	return failed(object{}, e)
}

func (h historian) task(e asl.Event) object {
	_, resource, _ := strings.Cut(e.State.Resource, ":states:::lambda:")
	out := object{"resourceType": "lambda", "resource": resource}
	switch e.Type {
	case "TaskScheduled":
		out["region"] = h.region
		out["parameters"] = asl.JSON(map[string]any{"FunctionName": e.State.Function, "Payload": e.Data})
		return limit(limit(out, "timeoutInSeconds", e.Timeout), "heartbeatInSeconds", e.Heartbeat)
	case "TaskSucceeded":
		return h.with(out, "output", e.Data)
	}
	return failed(out, e)
}

func limit(out object, name string, seconds int64) object {
	if seconds > 0 {
		out[name] = seconds
	}
	return out
}

func failed(out object, e asl.Event) object {
	if e.Err != nil {
		out["error"], out["cause"] = e.Err.Name, e.Err.Cause
	}
	return out
}

func (h historian) with(out object, name string, data any) object {
	if h.data {
		out[name], out[name+"Details"] = asl.JSON(data), object{"truncated": false}
	}
	return out
}
