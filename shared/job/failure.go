package job

import "encoding/json"

// Failure is a caught error as Step Functions hands it to a Catch.
type Failure struct {
	Error string `json:"Error"`
	Cause string `json:"Cause"`
}

// Problem is the failure's message for a person: Step Functions wraps a
// Lambda's in JSON. It is empty when there is no failure.
func (f *Failure) Problem() string {
	if f == nil {
		return ""
	}
	var cause struct {
		Message string `json:"errorMessage"`
	}
	if err := json.Unmarshal([]byte(f.Cause), &cause); err == nil && cause.Message != "" {
		return cause.Message
	}
	if f.Cause != "" {
		return f.Error + ": " + f.Cause
	}
	return f.Error
}
