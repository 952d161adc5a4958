package asl

import (
	"fmt"
)

func readPass(f fields, s *State) {
	f.onwards(s)
	f.inAndOut(s)
	s.flow.parameters = f.template("Parameters", scopeState)
	s.flow.resultPath = f.resultPath("ResultPath")
	raw, ok := f.take("Result")
	if !ok {
		return
	}
	v, err := decode(raw)
	if err != nil {
		f.bad("Result: %v", err)
	}
	s.result, s.hasRes = v, true
}

func readSucceed(f fields, s *State) { f.inAndOut(s) }

// failure is the Error and Cause of a Fail, fixed or by path.
type failure struct {
	name, cause         string
	namePath, causePath *path
}

func readFail(f fields, s *State) {
	s.failure = failure{
		name: f.text("Error"), cause: f.text("Cause"),
		namePath: f.reference("ErrorPath"), causePath: f.reference("CausePath"),
	}
	if s.failure.name != "" && s.failure.namePath != nil || s.failure.cause != "" && s.failure.causePath != nil {
		f.bad("Error and ErrorPath, Cause and CausePath exclude each other")
	}
}

// waitFor is the one way in which a Wait says how long.
type waitFor struct {
	seconds   Amount
	timestamp *path
	at        string
}

func readWait(f fields, s *State) {
	f.onwards(s)
	f.inAndOut(s)
	ways := 0
	for _, name := range []string{"Seconds", "SecondsPath", "Timestamp", "TimestampPath"} {
		if _, ok := f.raw[name]; ok {
			ways++
		}
	}
	if ways != 1 {
		f.bad("needs exactly one of Seconds, SecondsPath, Timestamp, TimestampPath")
	}
	s.wait = waitFor{seconds: f.amount("Seconds", 0), at: f.text("Timestamp"), timestamp: f.reference("TimestampPath")}
	if s.wait.at != "" {
		if _, ok := timestamp(s.wait.at); !ok {
			f.bad("Timestamp %q is not RFC 3339 with upper-case T and Z", s.wait.at)
		}
	}
}

func readParallel(f fields, s *State) {
	f.worker(s, scopeState)
	branches := f.list("Branches")
	if len(branches) == 0 {
		f.bad("Branches is missing or empty")
	}
	for i, raw := range branches {
		branch := readFields(fmt.Sprintf("%s, branch %d", f.where, i), raw, f.problems)
		m := &Machine{Comment: branch.text("Comment")}
		readScope(branch, m)
		branch.done("a branch")
		s.Branches = append(s.Branches, m)
	}
}
