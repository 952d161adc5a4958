// Package ssm is the embedded Systems Manager: Parameter Store, with versioned
// parameters in a hierarchy, the change events they send, and image ids that are
// checked only after the call has returned; and of Run Command as much as a
// shell command on one instance needs.
package ssm

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"goldsmith/local/awsjson"
	"goldsmith/local/clock"
	"goldsmith/local/query"
)

// Options set a Store up. Clock, Region and Account are required.
type Options struct {
	Clock   *clock.Clock
	Region  string
	Account string
	Log     *query.Log
	// Emit receives every event; it is called without locks.
	Emit func(source, detailType string, resources []string, detail any)
	// Launchable says whether the account may launch an image. Nil: any value that looks like an image id.
	Launchable func(image string) bool
	// Managed says whether an instance's agent has registered. Nil: that of no instance.
	Managed func(instance string) bool
}

// Store holds the parameters of one account in one Region. It is safe for concurrent use.
type Store struct {
	options Options
	service *awsjson.Service

	mu          sync.Mutex
	parameters  map[string]*parameter // by plain name
	invocations []*invocation
	frozen      []Frozen
	outcome     func(instance, command string) Ran
	// deaf are the instances whose agents fetch no commands, documents those that there are, with their parameters.
	deaf map[string]bool
	// known are the instances that a command was taken for; keeps is whether it is taken for them while they are down.
	known     map[string]bool
	keeps     bool
	documents map[string][]string
	// checking is how long an image id is being checked.
	checking time.Duration
}

// parameter is the versions of one name; the last is the current one.
type parameter struct {
	versions []version
	// given is the highest version number given out; a version that fails its check leaves a gap.
	given int64
}

type version struct {
	Number             int64
	Type, Value        string
	DataType, Tier     string
	Description        string
	At                 time.Time
	name, allowPattern string
	labels             []string
}

// New is a Parameter Store without parameters.
func New(o Options) *Store {
	s := &Store{options: o, parameters: map[string]*parameter{}, checking: validation, deaf: map[string]bool{},
		known:     map[string]bool{},
		documents: map[string][]string{"AWS-RunShellScript": scriptParameters, "AWS-RunPowerShellScript": scriptParameters}}
	if s.options.Launchable == nil {
		s.options.Launchable = func(string) bool { return true }
	}
	if s.options.Managed == nil {
		s.options.Managed = func(string) bool { return false }
	}
	s.service = &awsjson.Service{Name: "ssm", Target: "AmazonSSM", Clock: o.Clock, Log: o.Log,
		Operations: map[string]awsjson.Operation{
			"GetParameter":  awsjson.Op(s.getParameter, func(in getInput) []string { return []string{in.Name} }),
			"GetParameters": awsjson.Op(s.getParameters, func(in getManyInput) []string { return in.Names }),
			"GetParametersByPath": awsjson.Op(s.getParametersByPath,
				func(in byPathInput) []string { return []string{in.Path} }),
			"GetParameterHistory":     awsjson.Op(s.history, func(in historyInput) []string { return []string{in.Name} }),
			"LabelParameterVersion":   awsjson.Op(s.labelVersion, func(in labelInput) []string { return []string{in.Name} }),
			"UnlabelParameterVersion": awsjson.Op(s.unlabelVersion, func(in labelInput) []string { return []string{in.Name} }),
			"DescribeParameters":      awsjson.Op(s.describeParameters, func(describeInput) []string { return nil }),
			"PutParameter":            awsjson.Op(s.putParameter, func(in putInput) []string { return []string{in.Name} }),
			"SendCommand":             awsjson.Op(s.sendCommand, func(in sendInput) []string { return in.InstanceIds }),
			"ListCommandInvocations": awsjson.Op(s.listCommandInvocations, func(in invocationsInput) []string {
				return []string{in.InstanceId}
			}),
			"DescribeInstanceInformation": awsjson.Op(s.describeNodes, func(nodesInput) []string { return nil }),
			"DeleteParameter": awsjson.Op(s.deleteParameter,
				func(in deleteInput) []string { return []string{in.Name} }),
		}}
	return s
}

// ServeHTTP answers one call of Systems Manager's API.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.service.ServeHTTP(w, r) }

// Value is a parameter's current value.
func (s *Store) Value(name string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(name)
	return found.Value, err == nil
}

// Check has image ids that are written from now on checked for as long.
func (s *Store) Check(long time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.checking = long
}

// Holding are the ARNs of the parameters whose current value is an image's id.
func (s *Store) Holding(image string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var arns []string
	for _, v := range s.current() {
		if v.Value == image {
			arns = append(arns, s.arn(v.name))
		}
	}
	return arns
}

// find is the version a name asks for: name, name:version, name:label, or the ARN of
// any. It is called with the lock held.
func (s *Store) find(asked string) (version, error) {
	name, selector := split(asked)
	p, ok := s.parameters[plain(name)]
	if !ok || len(p.versions) == 0 {
		return version{}, awsjson.Errorf("ParameterNotFound", "The parameter %s was not found.", name)
	}
	if selector == "" {
		return p.versions[len(p.versions)-1], nil
	}
	for _, v := range p.versions {
		if selector == number(v.Number) || slices.Contains(v.labels, selector) {
			return v, nil
		}
	}
	return version{}, awsjson.Errorf("ParameterVersionNotFound", "Systems Manager could not find version %s of %s.",
		selector, name)
}

// plain is a name as it tells parameters apart: /a and a are one, as both have the ARN parameter/a
// (User Guide, "Creating Parameter Store parameters": a leading slash makes no difference to a name without levels).
func plain(name string) string {
	if rest, ok := strings.CutPrefix(name, "/"); ok && !strings.Contains(rest, "/") {
		return rest
	}
	return name
}

// split takes an ARN apart and a selector off. The name in an ARN has lost its
// slash unless it has levels: parameter/a is a, parameter/a/b is /a/b.
func split(asked string) (name, selector string) {
	if _, after, ok := strings.Cut(asked, ":parameter/"); ok {
		asked = after
		if strings.Contains(asked, "/") {
			asked = "/" + asked
		}
	}
	name, selector, _ = strings.Cut(asked, ":")
	return name, selector
}

// current are the current versions, by name. It is called with the lock held.
func (s *Store) current() []version {
	var list []version
	for _, p := range s.parameters {
		if len(p.versions) > 0 {
			list = append(list, p.versions[len(p.versions)-1])
		}
	}
	slices.SortFunc(list, func(a, b version) int { return cmp.Compare(a.name, b.name) })
	return list
}

func (s *Store) arn(name string) string {
	return "arn:aws:ssm:" + s.options.Region + ":" + s.options.Account + ":parameter/" + strings.TrimPrefix(name, "/")
}

var (
	legalName  = regexp.MustCompile(`^[a-zA-Z0-9_.\-/]+$`)
	reserved   = regexp.MustCompile(`(?i)^/?(aws|ssm)`)
	levelsMost = 15
	nameMost   = 1011
)

// checkName holds the naming constraints of the PutParameter reference.
func checkName(name string) error {
	switch {
	case name == "":
		return awsjson.Required("name")
	case len(name) > nameMost:
		return awsjson.Errorf("ValidationException", "Parameter name exceeds the maximum length of %d.", nameMost)
	case !legalName.MatchString(name):
		return awsjson.Errorf("ValidationException",
			"Parameter name: only a mix of letters, numbers and the characters _ . - / is allowed.")
	case reserved.MatchString(name):
		return awsjson.Errorf("ValidationException",
			"Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).")
	case strings.Contains(name, "/") &&
		(!strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/") || strings.Contains(name, "//")):
		return awsjson.Errorf("ValidationException", "Parameter name must be a fully qualified name.")
	case strings.Count(name, "/") > levelsMost:
		return awsjson.Errorf("HierarchyLevelLimitExceededException", "A hierarchy can have a maximum of %d levels.",
			levelsMost)
	}
	return nil
}
