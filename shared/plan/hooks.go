package plan

import (
	"cmp"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Hooks are commands that are run on a running instance around its image, by its Systems Manager agent: shell commands,
// on Windows PowerShell. What is stopped already is imaged without them. Secrets do not belong here: let a command
// fetch them where it runs.
type Hooks struct {
	// Before is run before the instance is stopped, or imaged where nothing stops it; at most once in a run, and at most
	// 1,000 characters. Default: none.
	Before string `json:"before,omitempty"`
	// After is run once the instance runs again, or its snapshots exist where nothing stops it, and whatever else came of
	// it once Before may have run. It may be run more than once, and at most 1,000 characters. Default: none.
	After string `json:"after,omitempty"`
	// Timeout is how long each may run, 10s to 15m. Default 5m.
	Timeout Duration `json:"timeout,omitempty"`
	// OnFailure is what is done where Before fails: skip leaves the source alone, crash-consistent images it all the same,
	// fail fails it. Default skip.
	OnFailure HookFailure `json:"onFailure,omitempty"`
}

// HookFailure is what is done where the command before fails.
type HookFailure string

const (
	// HookSkip leaves the source alone.
	HookSkip HookFailure = "skip"
	// HookIgnore images it all the same.
	HookIgnore HookFailure = "crash-consistent"
	// HookFail fails it.
	HookFail HookFailure = "fail"
)

// Given reports whether there is a command to be run.
func (h Hooks) Given() bool { return h.Before != "" || h.After != "" }

// IsZero reports whether nothing is said of hooks.
func (h Hooks) IsZero() bool { return h == Hooks{} }

// Lasts is how long each command may run.
func (h Hooks) Lasts() time.Duration { return time.Duration(cmp.Or(h.Timeout, DefaultHookTimeout)) }

// Failing is what is done where Before fails.
func (h Hooks) Failing() HookFailure { return cmp.Or(h.OnFailure, HookSkip) }

// withheld stands in executions' input for a command that is read from the plans where it is run.
const withheld = "(as the plan says)"

// AsInput is the plan as executions are given it: without the commands of its hooks, since whoever may look at an
// execution reads its input.
func (p Plan) AsInput() Plan {
	if p.Hooks.Before != "" {
		p.Hooks.Before = withheld
	}
	if p.Hooks.After != "" {
		p.Hooks.After = withheld
	}
	return p
}

// hooks is about the commands around an image.
func (c *checker) hooks(p Plan) {
	h := p.Hooks
	c.command("hooks.before", h.Before)
	c.command("hooks.after", h.After)
	if h.OnFailure != "" {
		choice(c, "hooks.onFailure", h.OnFailure, HookFailures)
	}
	switch {
	case h.Timeout != 0 && !h.Given():
		c.add("hooks.timeout", "means nothing without before or after")
	case h.Timeout != 0 && (h.Timeout < MinHookTimeout || h.Timeout > MaxHookTimeout):
		c.add("hooks.timeout", "%s is outside 10s to 15m", h.Timeout)
	}
	if h.OnFailure != "" && h.Before == "" {
		c.add("hooks.onFailure", "means nothing without before, whose failure it is about")
	}
}

// parameter is how a command has Systems Manager put a parameter's value into it (User Guide, "Working with parameters
// in Parameter Store").
var parameter = regexp.MustCompile(`\{\{\s*ssm(-secure)?:`)

func (c *checker) command(path, text string) {
	if text != "" && strings.TrimSpace(text) == "" {
		c.add(path, "is blank: leave the key out")
	}
	c.literal(path, text)
	if n := utf8.RuneCountInString(text); n > MaxCommand {
		c.add(path, "%d characters are more than %d: put it onto the instance as a script, and its name here", n, MaxCommand)
	}
}

// literal is about a command's letters. They are all that is run: who writes a parameter, and deploys no plan, must not
// be root on instances.
func (c *checker) literal(path, text string) {
	if parameter.MatchString(text) {
		c.add(path, "has {{ssm:...}}, for which Systems Manager puts a parameter's value into the command before it is run: "+
			"have the command read the parameter itself, as with aws ssm get-parameter")
	}
	if at := strings.IndexFunc(text, unprintable); at >= 0 {
		c.add(path, "has a control character, %q", []rune(text[at:])[0])
	}
}

func unprintable(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\n\r\t", r) }
