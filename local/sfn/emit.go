package sfn

import (
	"encoding/json"
	"fmt"
	"time"

	"goldsmith/local/asl"
)

// statusChange is the detail of a Step Functions Execution Status Change event.
// Every field is always there, null when it has no value.
type statusChange struct {
	ExecutionARN        string    `json:"executionArn"`
	StateMachineARN     string    `json:"stateMachineArn"`
	Name                string    `json:"name"`
	Status              string    `json:"status"`
	StartDate           int64     `json:"startDate"`
	StopDate            *int64    `json:"stopDate"`
	Input               *string   `json:"input"`
	InputDetails        *included `json:"inputDetails"`
	Output              *string   `json:"output"`
	OutputDetails       *included `json:"outputDetails"`
	VersionARN          *string   `json:"stateMachineVersionArn"`
	AliasARN            *string   `json:"stateMachineAliasArn"`
	RedriveCount        int       `json:"redriveCount"`
	RedriveDate         *string   `json:"redriveDate"`
	RedriveStatus       string    `json:"redriveStatus"`
	RedriveStatusReason *string   `json:"redriveStatusReason"`
	Error               *string   `json:"error"`
	Cause               *string   `json:"cause"`
}

type included struct {
	Included bool `json:"included"`
}

// maxEventData: when input and output, escaped, are longer together, the event
// leaves out the input; when the output alone is, the output too.
const maxEventData = 248 * 1024

func (s *Service) emit(x Execution) {
	s.options.Emit("aws.states", "Step Functions Execution Status Change", []string{x.ARN}, eventOf(x))
}

func eventOf(x Execution) statusChange {
	redrive, reason := redriveOf(x)
	d := statusChange{
		ExecutionARN: x.ARN, StateMachineARN: x.Machine, Name: x.Name, Status: string(x.Status),
		StartDate: x.Started.UnixMilli(), StopDate: millis(x.Stopped),
		VersionARN: optional(x.Version), AliasARN: optional(x.Alias),
		RedriveCount: x.Redrives, RedriveStatus: redrive, RedriveStatusReason: &reason,
	}
	if x.failed {
		d.Error, d.Cause = &x.Error, &x.Cause
	}
	in, out := escapedSize(x.Input), 0
	if x.Status == asl.Succeeded {
		out = escapedSize(x.Output)
		d.Output, d.OutputDetails = &x.Output, &included{true}
		if out > maxEventData {
			d.Output, d.OutputDetails = nil, &included{false}
		}
	}
	d.Input, d.InputDetails = &x.Input, &included{true}
	if in+out > maxEventData {
		d.Input, d.InputDetails = nil, &included{false}
	}
	return d
}

// redriveOf: children of a Map are redriven by their Map run only.
func redriveOf(x Execution) (status, reason string) {
	switch {
	case x.Status == asl.Running || x.Status == asl.Succeeded:
		return "NOT_REDRIVABLE", fmt.Sprintf("Execution is %s and cannot be redriven", x.Status)
	case x.MapRun != "":
		return "REDRIVABLE_BY_MAP_RUN", fmt.Sprintf("Execution is %s and is redrivable by its Map Run", x.Status)
	}
	return "REDRIVABLE", fmt.Sprintf("Execution is %s and is redrivable", x.Status)
}

func escapedSize(text string) int {
	raw, err := json.Marshal(text)
	if err != nil {
		return len(text)
	}
	return len(raw)
}

func millis(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	ms := t.UnixMilli()
	return &ms
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
