package ssm

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"goldsmith/local/awsjson"
)

// Ran is what becomes of a command on an instance.
type Ran struct {
	// Status is an invocation's final one, such as Failed or Cancelled. Empty: Success. Details are as the status where
	// they are empty.
	Status, Details string
	Code            int
	Output          string
	// Took is how long it runs. Zero: 10 seconds.
	Took time.Duration
	// Windows is whether the instance runs Windows.
	Windows bool
}

const (
	// usual is how long a command takes that nothing is said of.
	usual = 10 * time.Second
	// fetching is how often an agent asks for commands.
	fetching = time.Second
)

// invocation is one command on one instance.
type invocation struct {
	id, instance, document, comment, command string
	sent                                     time.Time
	// delivery is how long it may wait, beside limit, which is how long it may run.
	delivery, limit time.Duration
	ran             Ran
	// begun is when the agent began it, ended when it ended; broken is whether its instance went down meanwhile.
	begun, ended time.Time
	broken       bool
	// status and details are the final ones.
	status, details string
}

// Invocation is a command on an instance, for tests.
type Invocation struct {
	Instance, Comment, Command string
	Sent                       time.Time
	// Begun and Ended are zero for what has not; Done is whether it ran to its end.
	Begun, Ended time.Time
	Done         bool
}

// Invocations are all commands on all instances so far, in the order in which they were sent.
func (s *Store) Invocations() []Invocation {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Invocation
	for _, i := range s.invocations {
		all = append(all, Invocation{Instance: i.instance, Comment: i.comment, Command: i.command, Sent: i.sent,
			Begun: i.begun, Ended: i.ended, Done: i.status != "" && !i.begun.IsZero() && !i.broken})
	}
	return all
}

// OnCommand says what becomes of commands from now on. It is called when an agent begins one.
func (s *Store) OnCommand(what func(instance, command string) Ran) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outcome = what
}

// Deaf has the agent of an instance fetch no commands, though Systems Manager takes it to be there; or fetch them
// again.
func (s *Store) Deaf(instance string, deaf bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deaf[instance] = deaf
}

// Document has the account own a document of type Command, by what it holds.
func (s *Store) Document(name string, content []byte) error {
	var document struct {
		SchemaVersion string                     `json:"schemaVersion"`
		Parameters    map[string]json.RawMessage `json:"parameters"`
	}
	if err := json.Unmarshal(content, &document); err != nil {
		return fmt.Errorf("document %s: %w", name, err)
	}
	if document.SchemaVersion != "2.2" {
		return fmt.Errorf("document %s: schema version %q is not modelled", name, document.SchemaVersion)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.documents[name] = slices.Sorted(maps.Keys(document.Parameters))
	return nil
}

type sendInput struct {
	DocumentName   string
	InstanceIds    []string
	Comment        string
	TimeoutSeconds *int
	Parameters     map[string][]string
}

type sendOutput struct{ Command commandShape }

type commandShape struct {
	CommandId, DocumentName, Comment, Status string
	InstanceIds                              []string
	RequestedDateTime                        awsjson.Time
}

// Limits of SendCommand (API reference).
const (
	longestComment = 100
	leastTimeout   = 30
	mostTimeout    = 2592000
	mostInstances  = 50
	// defaultDelivery is TimeoutSeconds where it is not given, defaultLimit the document's executionTimeout.
	defaultDelivery = time.Hour
	defaultLimit    = time.Hour
)

func (s *Store) sendCommand(in sendInput) (sendOutput, error) {
	if err := s.sendable(in); err != nil {
		return sendOutput{}, err
	}
	for _, id := range in.InstanceIds {
		if !s.takes(id) {
			return sendOutput{}, awsjson.Errorf("InvalidInstanceId", "Instances [[%s]] not in a valid state for account %s", id,
				s.options.Account)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := fmt.Sprintf("00000000-0000-4000-9000-%012x", len(s.invocations)+1)
	for _, instance := range in.InstanceIds {
		i := &invocation{
			id: id, instance: instance, document: in.DocumentName, comment: in.Comment,
			command: in.Parameters["commands"][0], sent: s.options.Clock.Now(),
			delivery: defaultDelivery, limit: limitOf(in),
		}
		if in.TimeoutSeconds != nil {
			i.delivery = time.Duration(*in.TimeoutSeconds) * time.Second
		}
		s.invocations = append(s.invocations, i)
		s.options.Clock.AfterFunc(0, func() { s.fetch(i) })
	}
	return sendOutput{commandShape{
		CommandId: id, DocumentName: in.DocumentName, Comment: in.Comment, Status: "Pending", InstanceIds: in.InstanceIds,
		RequestedDateTime: awsjson.Time(s.options.Clock.Now()),
	}}, nil
}

// takes reports whether a command may be sent to an instance.
func (s *Store) takes(instance string) bool {
	up := s.options.Managed(instance) // EC2 asks for parameters with its own lock held.
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[instance] = s.known[instance] || up
	return up || s.keeps && s.known[instance]
}

// KeepsCommands has Systems Manager take commands for instances that it has once taken one for, whether their agents
// are there or not: what is stopped is in a valid state (API reference, SendCommand, InvalidInstanceId), and whether it
// is so in practice differs.
func (s *Store) KeepsCommands() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keeps = true
}

// fetch has the agent begin a command once it asks for it. One that no agent has fetched in the total time, which is
// the delivery timeout and the execution timeout together, is never run (User Guide, "Understanding command statuses").
func (s *Store) fetch(i *invocation) {
	up := s.options.Managed(i.instance)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Clock.Now()
	switch {
	case !now.Before(i.sent.Add(i.delivery + i.limit)):
		i.status, i.details, i.ended = "TimedOut", "DeliveryTimedOut", now
	case !up || s.deaf[i.instance]:
		s.options.Clock.AfterFunc(fetching, func() { s.fetch(i) })
	default:
		if i.begun = now; s.outcome != nil {
			i.ran = s.outcome(i.instance, i.command)
		}
		if i.ran.Took == 0 {
			i.ran.Took = took(i.command)
		}
		s.options.Clock.AfterFunc(min(fetching, i.ran.Took), func() { s.follow(i) })
	}
}

// follow ends a command that has run its time, or its document's executionTimeout. An agent whose instance goes down
// meanwhile reports nothing more: the command is in progress until Systems Manager gives it up.
func (s *Store) follow(i *invocation) {
	up := s.options.Managed(i.instance)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Clock.Now()
	runs := now.Sub(i.begun)
	i.broken = i.broken || !up && runs < i.ran.Took
	switch {
	case runs >= i.limit && (i.broken || i.ran.Took > i.limit):
		i.ran.Code, i.status, i.details, i.ended = -1, "TimedOut", "ExecutionTimedOut", now
	case !i.broken && runs >= i.ran.Took:
		if i.ran.Status == "" {
			i.ran = s.freezes(i, now)
		}
		i.status = cmp.Or(i.ran.Status, "Success")
		i.details = cmp.Or(i.ran.Details, i.status)
		i.ended = now
	default:
		left := i.limit - runs
		if !i.broken {
			left = min(left, i.ran.Took-runs)
		}
		s.options.Clock.AfterFunc(min(fetching, left), func() { s.follow(i) })
	}
}

// sendable is what is wrong with the input itself.
func (s *Store) sendable(in sendInput) error {
	parameters, known := s.parametersOf(in.DocumentName)
	switch {
	case in.DocumentName == "":
		return awsjson.Required("documentName")
	case !known:
		return awsjson.Errorf("InvalidDocument", "document %s does not exist in your account.", in.DocumentName)
	case len(in.Parameters["commands"]) == 0:
		return awsjson.Errorf("InvalidParameters", "Missing value for required parameter: commands")
	}
	for name := range in.Parameters {
		if !slices.Contains(parameters, name) {
			return awsjson.Errorf("InvalidParameters", "document %s does not support parameters: [%s]", in.DocumentName, name)
		}
	}
	return withinLimits(in)
}

// withinLimits is what of the input is outside of the API's limits.
func withinLimits(in sendInput) error {
	const refused = "1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have %s %d"
	switch {
	case len(in.Comment) > longestComment:
		return awsjson.Errorf("ValidationException", refused, "comment", "length less than or equal to", longestComment)
	case in.TimeoutSeconds != nil && *in.TimeoutSeconds < leastTimeout:
		return awsjson.Errorf("ValidationException", refused, "timeoutSeconds",
			"value greater than or equal to", leastTimeout)
	case in.TimeoutSeconds != nil && *in.TimeoutSeconds > mostTimeout:
		return awsjson.Errorf("ValidationException", refused, "timeoutSeconds", "value less than or equal to", mostTimeout)
	case len(in.InstanceIds) > mostInstances:
		return awsjson.Errorf("ValidationException", refused, "instanceIds", "length less than or equal to", mostInstances)
	}
	return nil
}

func (s *Store) parametersOf(document string) (names []string, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	names, known = s.documents[document]
	return names, known
}

// scriptParameters are those of the document AWS-RunShellScript. The working directory is not modelled.
var scriptParameters = []string{"commands", "executionTimeout"}

// limitOf is the document's executionTimeout, an hour unless given.
func limitOf(in sendInput) time.Duration {
	if given := in.Parameters["executionTimeout"]; len(given) == 1 {
		if seconds, err := strconv.Atoi(given[0]); err == nil {
			return time.Duration(seconds) * time.Second
		}
	}
	return defaultLimit
}

type invocationsInput struct {
	CommandId, InstanceId string
	Details               bool
	Filters               []commandFilter
	MaxResults            *int
	NextToken             string
}

// commandFilter is a CommandFilter.
type commandFilter struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type invocationsOutput struct {
	CommandInvocations []invocationShape
	NextToken          string `json:",omitempty"`
}

type invocationShape struct {
	CommandId, InstanceId, Comment, DocumentName string
	RequestedDateTime                            awsjson.Time
	Status, StatusDetails                        string
	CommandPlugins                               []pluginShape
}

type pluginShape struct {
	Name, Status, StatusDetails, Output string
	ResponseCode                        int
}

// mostInvocations is how many invocations a page holds (API reference, ListCommandInvocations).
const mostInvocations = 50

// listCommandInvocations lists the newest first, as the API does by default.
func (s *Store) listCommandInvocations(in invocationsInput) (invocationsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out, since := invocationsOutput{}, time.Time{}
	for _, f := range in.Filters {
		at, err := time.Parse(time.RFC3339, f.Value)
		if f.Key != "InvokedAfter" || err != nil {
			return out, awsjson.Errorf("InvalidFilterKey", "the embedded Systems Manager knows no filter %s=%s", f.Key, f.Value)
		}
		since = at
	}
	found := []invocationShape{}
	for _, i := range slices.Backward(s.invocations) {
		if in.shows(i) && !i.sent.Before(since) {
			found = append(found, i.shape(in.Details))
		}
	}
	most := mostInvocations
	if in.MaxResults != nil {
		most = *in.MaxResults
	}
	var err error
	out.CommandInvocations, out.NextToken, err = awsjson.Page(found, in.NextToken, most)
	return out, err
}

// shows reports whether an invocation is asked for.
func (in invocationsInput) shows(i *invocation) bool {
	return (in.InstanceId == "" || in.InstanceId == i.instance) && (in.CommandId == "" || in.CommandId == i.id)
}

// longestOutput is how much of a plugin's output a listing holds: its beginning (API reference, CommandPlugin).
const longestOutput = 2500

func (i *invocation) shape(details bool) invocationShape {
	status, detail := i.status, i.details
	switch {
	case status != "":
	case i.begun.IsZero():
		status, detail = "Pending", "Pending"
	default:
		status, detail = "InProgress", "InProgress"
	}
	shape := invocationShape{
		CommandId: i.id, InstanceId: i.instance, Comment: i.comment, DocumentName: i.document,
		RequestedDateTime: awsjson.Time(i.sent), Status: status, StatusDetails: detail, CommandPlugins: []pluginShape{},
	}
	if details {
		shape.CommandPlugins = i.plugins(status, detail)
	}
	return shape
}

// plugins are a document's steps. That one for another platform is shown so is an assumption.
func (i *invocation) plugins(status, detail string) []pluginShape {
	var all []pluginShape
	for _, step := range []string{"aws:runShellScript", "aws:runPowerShellScript"} {
		plugin := pluginShape{Name: step, Status: status, StatusDetails: detail, ResponseCode: -1}
		switch {
		case i.begun.IsZero():
		case i.ran.Windows != (step == "aws:runPowerShellScript"):
			plugin = pluginShape{Name: step, Status: "Success", StatusDetails: "Success",
				Output: "Step execution skipped due to unsatisfied preconditions."}
		case i.status != "":
			plugin.ResponseCode, plugin.Output = i.ran.Code, i.ran.Output[:min(len(i.ran.Output), longestOutput)]
		}
		all = append(all, plugin)
	}
	return all
}
