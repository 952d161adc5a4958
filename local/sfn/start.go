package sfn

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"goldsmith/local/asl"
	"goldsmith/local/draw"
)

var (
	machineARN   = regexp.MustCompile(`^(arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:stateMachine:[^:/]{1,80})(/[^:/]+)?(:[^:/]+)?$`)
	executionARN = regexp.MustCompile(`^arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:execution:[^:]+:[^:]+$`)
)

// nameKept is how long the name of a closed execution cannot be used again (API reference, StartExecution).
const nameKept = 90 * 24 * time.Hour

// maxInput is the longest input in bytes of UTF-8 (Developer Guide, quotas).
const maxInput = 262_144

// Start starts an execution of a state machine, named by its ARN or by that of a
// version or alias, and returns the execution's ARN. An empty name is made up,
// an empty input is {}. A running execution of the same name and input is
// returned as it is; any other use of a name within 90 days is
// ExecutionAlreadyExists (API reference, StartExecution). Errors are *Error.
func (s *Service) Start(machine, name, input string) (string, error) {
	r, err := s.start(machine, name, input)
	if err != nil {
		return "", err
	}
	return r.ID, nil
}

func (s *Service) start(machine, name, input string) (*record, error) {
	if input == "" {
		input = "{}"
	}
	if err := checkInput(input); err != nil {
		return nil, err
	}
	if name != "" {
		if err := checkName(name); err != nil {
			return nil, err
		}
	}
	r, fresh, err := s.reserve(machine, name, input)
	if err != nil {
		return nil, err
	}
	if fresh {
		r.Start()
	}
	return r, nil
}

// reserve finds or makes the execution of that name.
func (s *Service) reserve(arn, name, input string) (r *record, fresh bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.lookup(arn)
	if err != nil {
		return nil, false, err
	}
	if name == "" {
		name = s.makeName()
	}
	id := s.arn("execution", m.name+":"+name)
	if old := s.executions[id]; old != nil && !s.forgotten(old) {
		if old.Outcome().Status == asl.Running && old.input == input {
			return old, false, nil
		}
		return nil, false, failure("ExecutionAlreadyExists", "Execution Already Exists: '%s'", id)
	}
	through := m.through(s.options.Seed, id)
	e, err := s.runtime.New(through.parsed, asl.Identity{
		ID: id, Name: name, MachineID: m.arn, MachineName: m.name, RoleARN: m.role,
	}, []byte(input))
	if err != nil {
		return nil, false, failure("InvalidExecutionInput", "Invalid State Machine Execution Input: '%s'", err)
	}
	r = &record{Execution: e, input: input, machine: m.arn, version: through.arn, alias: m.alias}
	s.add(r)
	return r, true, nil
}

func (s *Service) forgotten(r *record) bool {
	o := r.Outcome()
	return o.Status != asl.Running && s.options.Clock.Now().Sub(o.Stopped) > nameKept
}

// named is a state machine as an ARN names it: itself, a version, or an alias.
type named struct {
	*machine
	// only is the version that the ARN names, nil for none; alias the alias's ARN, empty for none.
	only  *version
	alias string
}

// lookup takes the ARN of a state machine, or of a version or alias of it. s.mu is held.
func (s *Service) lookup(arn string) (named, error) {
	parts := machineARN.FindStringSubmatch(arn)
	switch {
	case parts == nil:
		return named{}, failure("InvalidArn", "Invalid Arn: '%s'", arn)
	case parts[2] != "":
		e := failure("ValidationException", "This API does not support labeled state machine ARNs: '%s'", arn)
		e.Reason = "API_DOES_NOT_SUPPORT_LABELED_ARNS"
		return named{}, e
	}
	missing := failure("StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", arn)
	m := s.machines[parts[1]]
	if m == nil {
		return named{}, missing
	}
	qualifier := strings.TrimPrefix(parts[3], ":")
	if qualifier == "" {
		return named{machine: m}, nil
	}
	if v := m.version(qualifier); v != nil {
		return named{machine: m, only: v}, nil
	}
	if m.aliases[qualifier] != nil {
		return named{machine: m, alias: arn}, nil
	}
	return named{}, missing
}

func (s *Service) makeName() string {
	s.named++
	return draw.Of(s.options.Seed, "execution name", fmt.Sprint(s.named)).UUID()
}

const nameForbidden = "<>{}[]?*\"#%\\^|~`$&,;:/"

// checkName holds a name to the rules of (API reference, StartExecution).
func checkName(name string) error {
	if n := utf8.RuneCountInString(name); n < 1 || n > 80 {
		return failure("ValidationException",
			"1 validation error detected: Value '%s' at 'name' failed to satisfy constraint: "+
				"Member must have length between 1 and 80", name)
	}
	bad := func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(nameForbidden, r)
	}
	if strings.ContainsFunc(name, bad) {
		return failure("InvalidName", "Invalid Name: '%s'", name)
	}
	return nil
}

// checkInput: that a too long input is a ValidationException follows from the
// API model's length; the service's own choice is unverified.
func checkInput(input string) error {
	if len(input) > maxInput {
		return failure("ValidationException", "1 validation error detected: Value at 'input' failed to satisfy constraint: "+
			"Member must have length less than or equal to %d", maxInput)
	}
	if !json.Valid([]byte(input)) {
		return failure("InvalidExecutionInput", "Invalid State Machine Execution Input: not JSON")
	}
	return nil
}
