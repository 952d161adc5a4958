package sfn

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"goldsmith/local/asl"
)

// Execution is a snapshot of one execution.
type Execution struct {
	ARN, Name string
	// Machine is the state machine's ARN; for a child of a distributed Map it
	// ends in /LABEL and MapRun is set.
	Machine, MapRun string
	// Version is the ARN of the version that was started, Alias that of the alias it was started through.
	Version, Alias string
	Status         asl.Status
	Started        time.Time
	// Stopped is zero while the execution runs.
	Stopped       time.Time
	Input, Output string
	Error, Cause  string
	// Redrives is how often it was redriven, Redriven when last.
	Redrives int
	Redriven time.Time

	failed bool
}

func (r *record) describe() Execution {
	o := r.Outcome()
	x := Execution{
		ARN: r.ID, Name: r.Name, Machine: r.machine, MapRun: r.MapRun,
		Status: o.Status, Started: r.Started, Stopped: o.Stopped, Input: r.input,
		Redrives: r.Redrives(), Redriven: r.Redriven(), Version: r.version, Alias: r.alias,
	}
	if x.Input == "" {
		x.Input = asl.JSON(r.Input)
	}
	if o.Status == asl.Succeeded {
		x.Output = asl.JSON(o.Output)
	}
	// An execution that timed out has no error (API reference, DescribeExecution: error and cause are
	// those of one that failed or was aborted).
	if o.Err != nil && o.Status != asl.TimedOut {
		x.Error, x.Cause, x.failed = o.Err.Name, o.Err.Cause, true
	}
	return x
}

// Filter of List. Either Machine or MapRun is set; an empty Status is any.
type Filter struct {
	Machine, MapRun string
	Status          asl.Status
	// Through is the ARN of a version or alias that the executions were started through; empty for any.
	Through string
	// Redriven is whether to list those only that were redriven, or that were not; nil for all.
	Redriven *bool
}

// List is the executions of a state machine or Map run, newest first.
func (s *Service) List(f Filter) []Execution {
	var list []Execution
	for _, r := range s.matching(f, 0) {
		list = append(list, r.describe())
	}
	return list
}

// matching are the records older than number before (0 for all), newest first.
func (s *Service) matching(f Filter, before int) []*record {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*record
	for i := len(s.order) - 1; i >= 0; i-- {
		r := s.order[i]
		if before > 0 && r.number >= before || s.executions[r.ID] != r || !f.fits(r) {
			continue
		}
		list = append(list, r)
	}
	return list
}

func (f Filter) fits(r *record) bool {
	if f.MapRun != "" && r.MapRun != f.MapRun || f.Machine != "" && r.machine != f.Machine {
		return false
	}
	if f.Through != "" && r.version != f.Through && r.alias != f.Through {
		return false
	}
	return f.says(r)
}

// says holds an execution against what came of it.
func (f Filter) says(r *record) bool {
	if f.Redriven != nil && *f.Redriven != (r.Redrives() > 0) {
		return false
	}
	return f.Status == "" || r.Outcome().Status == f.Status
}

// page is the token of a listing that goes on after a numbered entry.
func page(number int) string {
	return base64.RawURLEncoding.EncodeToString([]byte("after:" + strconv.Itoa(number)))
}

// pageAfter reads the token; 0 when there is none.
func pageAfter(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	number, fine := strings.CutPrefix(string(raw), "after:")
	n, wrong := strconv.Atoi(number)
	if err != nil || wrong != nil || !fine || n <= 0 {
		return 0, failure("InvalidToken", "Invalid Token: 'Invalid token'")
	}
	return n, nil
}

// pageSize: maxResults is at most 1,000; 0 stands for the default of 100.
func pageSize(wanted int) (int, error) {
	switch {
	case wanted < 0 || wanted > 1000:
		return 0, failure("ValidationException",
			"1 validation error detected: Value '%d' at 'maxResults' failed to satisfy constraint: "+
				"Member must have value between 0 and 1000", wanted)
	case wanted == 0:
		return 100, nil
	}
	return wanted, nil
}
