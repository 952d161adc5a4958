package contract

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"goldsmith/functions/verify"
	"goldsmith/infra/workflow"
	"goldsmith/local/asl"
)

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

// placeholders are equal to what infra fills in, both ways.
func placeholders(text string) []string {
	var problems []string
	filled, named := substitutions(), map[string]bool{}
	for _, match := range placeholder.FindAllStringSubmatch(text, -1) {
		named[match[1]] = true
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if _, ok := filled[name]; !ok {
			problems = append(problems, "nothing is filled into ${"+name+"}")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(filled)) {
		if !named[name] {
			problems = append(problems, "the definition has no ${"+name+"}")
		}
	}
	return problems
}

// functionsInvoked are the functions that the state machine may invoke, no fewer and no more.
func functionsInvoked(d *definition) []string {
	var problems []string
	invoked := map[string]bool{}
	for _, s := range append(tasks(d.run), tasks(d.child)...) {
		invoked[function(s)] = true
	}
	for _, name := range workflow.Tasks {
		if !invoked[name] {
			problems = append(problems, name+" is granted, but never invoked")
		}
		delete(invoked, name)
	}
	for _, name := range slices.Sorted(maps.Keys(invoked)) {
		problems = append(problems, name+" is invoked, but not among workflow.Tasks")
	}
	return problems
}

// errorsKnown: the names in ErrorEquals that neither Step Functions nor Lambda
// makes are the types of package fault, and each type is named.
func errorsKnown(d *definition) []string {
	var problems []string
	types, named := code().faults(), map[string]bool{}
	d.machine.Walk(func(_ []string, _ *asl.Machine, s *asl.State) {
		for _, name := range errorNames(s) {
			named[name] = true
			if !slices.Contains(types, name) && !strings.HasPrefix(name, "States.") && !strings.HasPrefix(name, "Lambda.") {
				problems = append(problems, fmt.Sprintf("%s names error %s, which is no type of fault", s.Name, name))
			}
		}
	})
	for _, name := range types {
		if !named[name] {
			problems = append(problems, "the definition never names fault."+name)
		}
		if !made()[name] {
			problems = append(problems, "no code makes a fault."+name)
		}
	}
	return problems
}

func errorNames(s *asl.State) []string {
	var names []string
	for _, r := range s.Retry {
		names = append(names, r.ErrorEquals...)
	}
	for _, c := range s.Catch {
		names = append(names, c.ErrorEquals...)
	}
	return names
}

// timeouts: a Task without one may hang for a year, and a heartbeat must come
// before the timeout to be of use.
func timeouts(d *definition) []string {
	var problems []string
	if !d.machine.Timeout.Set() {
		problems = append(problems, "the state machine has no TimeoutSeconds")
	}
	for _, s := range append(tasks(d.run), tasks(d.child)...) {
		if s.Timeout.Fixed == 0 {
			problems = append(problems, s.Name+" has no TimeoutSeconds")
		}
		if s.WaitForToken && (s.Heartbeat.Fixed == 0 || s.Heartbeat.Fixed >= s.Timeout.Fixed) {
			problems = append(problems, s.Name+" waits for a token without a HeartbeatSeconds below its TimeoutSeconds")
		}
	}
	return problems
}

// lambdaErrors are what the developer guide asks every Lambda Task to retry.
// (docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html).
var lambdaErrors = []string{
	"Lambda.ClientExecutionTimeoutException", "Lambda.ServiceException", "Lambda.AWSLambdaException",
	"Lambda.SdkClientException",
	"Lambda.TooManyRequestsException", "Lambda.Unknown",
}

// retries: what passes is tried again, what fails for good is not.
func retries(d *definition) []string {
	var problems []string
	want := func(s *asl.State, names ...string) { problems = append(problems, unretried(s, names)...) }
	for _, s := range append(tasks(d.run), tasks(d.child)...) {
		if hasty(d, s) {
			want(s, asl.ErrHeartbeatTimeout, asl.ErrTimeout)
			continue
		}
		want(s, append([]string{"Transient"}, lambdaErrors...)...)
		if attempts(s, "Failed") > 0 {
			problems = append(problems, s.Name+" retries Failed, which trying again does not help")
		}
		if s.WaitForToken {
			want(s, asl.ErrHeartbeatTimeout, asl.ErrTimeout)
		}
	}
	for _, s := range tasks(d.child) {
		if launches(d, s) {
			want(s, "NoCapacity")
		}
		if !s.WaitForToken {
			want(s, "NotYet")
		}
	}
	return problems
}

// unretried are the errors that a state does not try again.
func unretried(s *asl.State, names []string) (problems []string) {
	for _, name := range names {
		if attempts(s, name) == 0 || !slices.Contains(errorNames(s), name) {
			problems = append(problems, fmt.Sprintf("%s does not retry %s", s.Name, name))
		}
	}
	return problems
}

// launches are the states of a source in which EC2 may have no room.
func launches(d *definition, s *asl.State) bool {
	parameters, _ := d.states[s.Name]["Parameters"].(object)
	do := parameters["do"]
	return function(s) == "start" || do == string(verify.Launch) || do == string(verify.Clone)
}

// attempts is how often a state retries an error: the first retrier that names it, or all, decides.
func attempts(s *asl.State, name string) int64 {
	for _, r := range s.Retry {
		if slices.Contains(r.ErrorEquals, name) || slices.Contains(r.ErrorEquals, asl.ErrAll) {
			return r.MaxAttempts
		}
	}
	return 0
}

// awaited is what a waiting state tells watch to wait for.
func awaited(d *definition, s *asl.State) string {
	parameters, _ := d.states[s.Name]["Parameters"].(object)
	payload, _ := parameters["Payload"].(object)
	what, _ := payload["for"].(string)
	return what
}
