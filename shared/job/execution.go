package job

import "strings"

// IsChild reports whether a text is the ARN of an execution that works on one source of a run: a child of the machine's
// Map, which has the machine's name with a label after a slash.
func IsChild(text, machine string) bool {
	return strings.HasPrefix(text, strings.Replace(machine, ":stateMachine:", ":execution:", 1)+"/")
}

// MachineOf is the ARN of the state machine of a run's execution, or of one of its children.
func MachineOf(execution string) string {
	machine, _, _ := strings.Cut(execution[:max(0, strings.LastIndex(execution, ":"))], "/")
	return strings.Replace(machine, ":execution:", ":stateMachine:", 1)
}
