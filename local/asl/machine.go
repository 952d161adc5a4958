// Package asl knows the Amazon States Language in its JSONPath dialect: it runs
// the very definition that is deployed, and refuses by name what it does not
// implement, so that a definition never half-works. It knows nothing of AWS
// services; tasks go through Invoker. Sources of its behaviour: the States
// Language specification (states-language.net) and the Step Functions
// developer guide.
package asl

// Machine is a parsed definition, or the states inside a Map or a branch of a
// Parallel. It is not changed after Parse and may run many executions at once.
type Machine struct {
	// Definition is the text with its placeholders replaced; empty for the
	// machines inside a Map or Parallel.
	Definition string
	Comment    string
	StartAt    string
	// States by name. Use Walk to see those inside Map and Parallel too.
	States map[string]*State
	// Timeout of a whole execution in seconds; the zero value means none.
	Timeout Amount
}

// Walk visits every state of the machine and then, recursively, those inside
// its Maps and Parallels. within holds the names of the enclosing states,
// outermost first; scope is the machine that holds the state.
func (m *Machine) Walk(visit func(within []string, scope *Machine, s *State)) {
	m.walk(nil, visit)
}

func (m *Machine) walk(within []string, visit func([]string, *Machine, *State)) {
	for _, name := range sortedKeys(m.States) {
		s := m.States[name]
		visit(within, m, s)
		inner := append(append([]string(nil), within...), name)
		for _, scope := range s.Scopes() {
			scope.walk(inner, visit)
		}
	}
}

// State is one state of a Machine, in the words of the States Language.
type State struct {
	Name    string
	Type    string
	Comment string
	Next    string
	End     bool
	// Default is the next state of a Choice when no rule matches.
	Default string
	Choices []Rule
	// Resource as written; Function is the Lambda function it calls and
	// WaitForToken whether the task ends by its token.
	Resource     string
	Function     string
	WaitForToken bool
	Timeout      Amount
	Heartbeat    Amount
	Retry        []Retrier
	Catch        []Catcher
	// Processor is what a Map runs for each item.
	Processor *Machine
	// Distributed is true for a Map that runs each item as a child execution.
	Distributed bool
	Label       string
	// Branches of a Parallel.
	Branches []*Machine

	flow    dataFlow
	payload *template
	optimal bool
	wait    waitFor
	items   *itemSource
	limit   tolerance
	result  any
	hasRes  bool
	failure failure
	events  eventNames
}

// Scopes are the machines inside a Map or a Parallel.
func (s *State) Scopes() []*Machine {
	if s.Processor != nil {
		return []*Machine{s.Processor}
	}
	return s.Branches
}

// Kind says by which field one state follows another.
type Kind string

// The kinds of edges.
const (
	EdgeNext    Kind = "Next"
	EdgeChoice  Kind = "Choice"
	EdgeDefault Kind = "Default"
	EdgeCatch   Kind = "Catch"
)

// Edge leads from a state to another of the same scope.
type Edge struct {
	To   string
	Kind Kind
	// Errors that take this edge, when it is a Catch.
	Errors []string
}

// Edges are the ways out of a state, in the order of the definition.
func (s *State) Edges() []Edge {
	var edges []Edge
	if s.Next != "" {
		edges = append(edges, Edge{To: s.Next, Kind: EdgeNext})
	}
	for _, rule := range s.Choices {
		edges = append(edges, Edge{To: rule.Next, Kind: EdgeChoice})
	}
	if s.Default != "" {
		edges = append(edges, Edge{To: s.Default, Kind: EdgeDefault})
	}
	for _, c := range s.Catch {
		edges = append(edges, Edge{To: c.Next, Kind: EdgeCatch, Errors: c.ErrorEquals})
	}
	return edges
}

// Reachable are the names of the states of this scope that StartAt leads to.
func (m *Machine) Reachable() map[string]bool {
	seen := map[string]bool{}
	queue := []string{m.StartAt}
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		s := m.States[name]
		if s == nil || seen[name] {
			continue
		}
		seen[name] = true
		for _, edge := range s.Edges() {
			queue = append(queue, edge.To)
		}
	}
	return seen
}

// Amount is a whole number written in the definition, or found in the state's input.
type Amount struct {
	// Fixed is the number; 0 when Path is used or nothing is set.
	Fixed int64
	// Path as written, empty when the number is fixed.
	Path string

	path *path
}

// Set reports whether the definition gives the number at all.
func (a Amount) Set() bool { return a.Fixed > 0 || a.path != nil }

// Rule is one entry of a Choice.
type Rule struct {
	Next string

	test condition
}

// Retrier is one entry of Retry, with the defaults of the States Language filled in.
type Retrier struct {
	ErrorEquals     []string
	IntervalSeconds int64
	MaxAttempts     int64
	BackoffRate     float64
	// MaxDelaySeconds is 0 when the delay is not limited.
	MaxDelaySeconds int64
	// JitterStrategy is FULL or NONE.
	JitterStrategy string
}

// Catcher is one entry of Catch.
type Catcher struct {
	ErrorEquals []string
	Next        string

	resultPath *resultPath
}
