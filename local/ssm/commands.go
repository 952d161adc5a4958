package ssm

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"goldsmith/local/awsjson"
)

// Ran is what becomes of a command on an instance.
type Ran struct {
	// Status is an invocation's final one, such as Failed or TimedOut. Empty: Success.
	Status string
	Code   int
	Output string
	// Took is how long it runs. Zero: 10 seconds.
	Took time.Duration
}

// usual is how long a command takes that nothing is said of.
const usual = 10 * time.Second

// invocation is one command on one instance.
type invocation struct {
	id, instance, document, comment, command string
	sent                                     time.Time
	ran                                      Ran
}

// OnCommand says what becomes of commands from now on.
func (s *Store) OnCommand(what func(instance, command string) Ran) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outcome = what
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
	mostInstances  = 50
)

func (s *Store) sendCommand(in sendInput) (sendOutput, error) {
	if err := sendable(in); err != nil {
		return sendOutput{}, err
	}
	for _, id := range in.InstanceIds {
		if !s.options.Managed(id) {
			return sendOutput{}, awsjson.Errorf("InvalidInstanceId", "Instances [[%s]] not in a valid state for account %s", id,
				s.options.Account)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := fmt.Sprintf("00000000-0000-4000-9000-%012x", len(s.invocations)+1)
	for _, instance := range in.InstanceIds {
		ran := Ran{}
		if s.outcome != nil {
			ran = s.outcome(instance, in.Parameters["commands"][0])
		}
		s.invocations = append(s.invocations, invocation{
			id: id, instance: instance, document: in.DocumentName, comment: in.Comment,
			command: in.Parameters["commands"][0], sent: s.options.Clock.Now(), ran: s.within(in, ran),
		})
	}
	return sendOutput{commandShape{
		CommandId: id, DocumentName: in.DocumentName, Comment: in.Comment, Status: "Pending", InstanceIds: in.InstanceIds,
		RequestedDateTime: awsjson.Time(s.options.Clock.Now()),
	}}, nil
}

// sendable is what is wrong with the input itself.
func sendable(in sendInput) error {
	switch {
	case in.DocumentName == "":
		return awsjson.Required("documentName")
	case in.DocumentName != "AWS-RunShellScript":
		return awsjson.Errorf("InvalidDocument", "document %s does not exist in the embedded Systems Manager",
			in.DocumentName)
	case len(in.Comment) > longestComment:
		return awsjson.Errorf("ValidationException",
			"1 validation error detected: Value at 'comment' failed to satisfy constraint: Member must have length less than "+
				"or equal to %d", longestComment)
	case in.TimeoutSeconds != nil && *in.TimeoutSeconds < leastTimeout:
		return awsjson.Errorf("ValidationException",
			"1 validation error detected: Value at 'timeoutSeconds' failed to satisfy constraint: Member must have value "+
				"greater than or equal to %d", leastTimeout)
	case len(in.InstanceIds) > mostInstances:
		return awsjson.Errorf("ValidationException",
			"1 validation error detected: Value at 'instanceIds' failed to satisfy constraint: Member must have length less "+
				"than or equal to %d", mostInstances)
	case len(in.Parameters["commands"]) == 0:
		return awsjson.Errorf("InvalidParameters", "Missing value for required parameter: commands")
	}
	for name := range in.Parameters {
		if !slices.Contains(scriptParameters, name) {
			return awsjson.Errorf("InvalidParameters", "document AWS-RunShellScript does not support parameters: [%s]", name)
		}
	}
	return nil
}

// scriptParameters are those of the document AWS-RunShellScript. The working directory is not modelled.
var scriptParameters = []string{"commands", "executionTimeout"}

// within ends a command at the document's executionTimeout, an hour unless given.
func (s *Store) within(in sendInput, ran Ran) Ran {
	if ran.Took == 0 {
		ran.Took = usual
	}
	limit := time.Hour
	if given := in.Parameters["executionTimeout"]; len(given) == 1 {
		if seconds, err := strconv.Atoi(given[0]); err == nil {
			limit = time.Duration(seconds) * time.Second
		}
	}
	if ran.Took > limit {
		return Ran{Status: "TimedOut", Code: -1, Output: ran.Output, Took: limit}
	}
	return ran
}

type invocationsInput struct {
	CommandId, InstanceId string
	Details               bool
}

type invocationsOutput struct{ CommandInvocations []invocationShape }

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

func (s *Store) listCommandInvocations(in invocationsInput) (invocationsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := invocationsOutput{CommandInvocations: []invocationShape{}}
	now := s.options.Clock.Now()
	for _, i := range s.invocations {
		if in.InstanceId != "" && in.InstanceId != i.instance || in.CommandId != "" && in.CommandId != i.id {
			continue
		}
		out.CommandInvocations = append(out.CommandInvocations, i.shape(now, in.Details))
	}
	return out, nil
}

// longestOutput is how much of a plugin's output a listing holds (API reference, CommandPlugin).
const longestOutput = 2500

func (i invocation) shape(now time.Time, details bool) invocationShape {
	status, plugin := "InProgress", pluginShape{Name: "aws:runShellScript", ResponseCode: -1}
	if ended := i.sent.Add(i.ran.Took); !now.Before(ended) {
		status = i.ran.Status
		if status == "" {
			status = "Success"
		}
		plugin.ResponseCode, plugin.Output = i.ran.Code, i.ran.Output[:min(len(i.ran.Output), longestOutput)]
	}
	plugin.Status, plugin.StatusDetails = status, status
	shape := invocationShape{
		CommandId: i.id, InstanceId: i.instance, Comment: i.comment, DocumentName: i.document,
		RequestedDateTime: awsjson.Time(i.sent), Status: status, StatusDetails: status, CommandPlugins: []pluginShape{},
	}
	if details {
		shape.CommandPlugins = append(shape.CommandPlugins, plugin)
	}
	return shape
}
