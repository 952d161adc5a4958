package job

import (
	"encoding/json"
	"strings"
)

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
	if message := f.message(); message != "" {
		return strings.ReplaceAll(message, "\n", " ")
	}
	if f.Cause != "" {
		return f.Error + ": " + f.Cause
	}
	return f.Error
}

// Do is what a person is to do about it: what ends Problem, on a line of its own in what a Lambda
// hands over. It is empty when that says nothing of it.
func (f *Failure) Do() string {
	if f == nil {
		return ""
	}
	_, do, _ := strings.Cut(f.message(), "\n")
	if strings.Contains(do, "\n") {
		return "" // No text of ours: a function that broke tells where.
	}
	return do
}

func (f *Failure) message() string {
	var cause struct {
		Message string `json:"errorMessage"`
	}
	_ = json.Unmarshal([]byte(f.Cause), &cause) // What is no JSON has no message.
	return cause.Message
}
