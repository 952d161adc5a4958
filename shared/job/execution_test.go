package job_test

import (
	"testing"

	"goldsmith/shared/job"
)

func TestIsChild(t *testing.T) {
	const machine = "arn:aws:states:eu-central-1:123456789012:stateMachine:goldsmith"
	for value, want := range map[string]bool{
		"arn:aws:states:eu-central-1:123456789012:execution:goldsmith/source:3f1c": true,
		"arn:aws:states:eu-central-1:123456789012:execution:goldsmith:nightly-1":   false,
		"arn:aws:states:eu-central-1:123456789012:execution:goldsmiths/source:1":   false,
		"arn:aws:states:eu-central-1:210987654321:execution:goldsmith/source:3f1c": false,
		"": false, "yes": false,
	} {
		if got := job.IsChild(value, machine); got != want {
			t.Errorf("%q is a child: %t", value, got)
		}
	}
}

func TestMachineOf(t *testing.T) {
	const machine = "arn:aws:states:eu-central-1:123456789012:stateMachine:goldsmith"
	for _, name := range []string{"goldsmith:nightly-1", "goldsmith/source:3f1c"} {
		if got := job.MachineOf("arn:aws:states:eu-central-1:123456789012:execution:" + name); got != machine {
			t.Errorf("the machine is %s, want %s", got, machine)
		}
	}
	if got := job.MachineOf(""); got != "" {
		t.Errorf("no execution is of %s", got)
	}
}
