package asl

import (
	"encoding/json"
	"fmt"
	"slices"
)

// worker reads what Task, Map and Parallel have in common.
func (f fields) worker(s *State, parameters scope) {
	f.onwards(s)
	f.inAndOut(s)
	s.flow.parameters = f.template("Parameters", parameters)
	s.flow.selector = f.template("ResultSelector", scopeState)
	s.flow.resultPath = f.resultPath("ResultPath")
	for i, raw := range f.list("Retry") {
		s.Retry = append(s.Retry, readRetrier(f.inside("Retry", i, raw)))
	}
	for i, raw := range f.list("Catch") {
		s.Catch = append(s.Catch, readCatcher(f.inside("Catch", i, raw)))
	}
	retry := make([][]string, len(s.Retry))
	for i, r := range s.Retry {
		retry[i] = r.ErrorEquals
	}
	f.checkErrors("Retry", retry)
	catch := make([][]string, len(s.Catch))
	for i, c := range s.Catch {
		catch[i] = c.ErrorEquals
	}
	f.checkErrors("Catch", catch)
}

func (f fields) inside(what string, i int, raw json.RawMessage) fields {
	return readFields(fmt.Sprintf("%s, %s %d", f.where, what, i), raw, f.problems)
}

// checkErrors keeps States.ALL alone in the last entry.
func (f fields) checkErrors(what string, lists [][]string) {
	for i, names := range lists {
		if slices.Contains(names, ErrAll) && (len(names) > 1 || i < len(lists)-1) {
			f.bad("%s %d: States.ALL must stand alone and in the last entry", what, i)
		}
	}
}

func readRetrier(f fields) Retrier {
	_ = f.text("Comment")
	r := Retrier{
		ErrorEquals:     f.texts("ErrorEquals"),
		IntervalSeconds: f.whole("IntervalSeconds", 1, 1, maxSeconds),
		MaxAttempts:     f.whole("MaxAttempts", 3, 0, maxSeconds),
		BackoffRate:     f.number("BackoffRate", 2, 1),
		MaxDelaySeconds: f.whole("MaxDelaySeconds", 0, 1, 31_622_400),
		JitterStrategy:  f.text("JitterStrategy"),
	}
	if r.JitterStrategy == "" {
		r.JitterStrategy = "NONE"
	}
	if r.JitterStrategy != "NONE" && r.JitterStrategy != "FULL" {
		f.bad("JitterStrategy must be FULL or NONE")
	}
	f.done("Retry")
	return r
}

func readCatcher(f fields) Catcher {
	_ = f.text("Comment")
	c := Catcher{ErrorEquals: f.texts("ErrorEquals"), Next: f.required("Next"), resultPath: f.resultPath("ResultPath")}
	f.done("Catch")
	return c
}
