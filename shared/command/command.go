// Package command runs a command on an instance, by the suite's own document of Systems Manager: a shell command, on
// Windows a PowerShell command. SendCommand has no client token: a command carries a mark by which it is found, and is
// sent once.
package command

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/shared/fault"
)

// API runs commands on instances.
type API interface {
	SendCommand(context.Context, *ssm.SendCommandInput, ...func(*ssm.Options)) (*ssm.SendCommandOutput, error)
	ssm.ListCommandInvocationsAPIClient
}

// Document is the suite's document. It holds no command itself.
const Document = "goldsmith-command"

// LeastDelivery is the least that SendCommand takes as TimeoutSeconds.
const LeastDelivery = 30 * time.Second

// Command is what is to be run.
type Command struct {
	Instance string
	// Mark is by what it is found again: at most 100 characters, which a command's comment may have.
	Mark string
	Text string
	// Delivery is how long it may wait for the agent beside Timeout, which is how long it may run: one that the agent has
	// not fetched after both together is not run (Systems Manager User Guide, "Understanding command statuses").
	Delivery, Timeout time.Duration
}

// Ends is when a command that is sent at a moment has ended at the latest.
func (c Command) Ends(sent time.Time) time.Time { return sent.Add(c.Delivery + 2*c.Timeout + settling) }

// settling is how long after a command's last moment Systems Manager may not show its end.
const settling = time.Minute

// Send sends the command, once: where it is not answered it may have been sent, and Find shows it if it was. What
// fault.DidNothing says of the error is certain.
func Send(ctx context.Context, api API, c Command) (id string, err error) {
	delivery := int32(max(c.Delivery, LeastDelivery) / time.Second) //nolint:gosec // some hours at most
	out, err := api.SendCommand(ctx, &ssm.SendCommandInput{
		DocumentName: aws.String(Document), InstanceIds: []string{c.Instance}, Comment: aws.String(c.Mark),
		TimeoutSeconds: &delivery,
		Parameters: map[string][]string{
			"commands":         {strings.ReplaceAll(c.Text, "\r\n", "\n")}, // No shell takes a line's end for a part of it.
			"executionTimeout": {strconv.Itoa(int(c.Timeout / time.Second))},
		},
	}, once)
	if err != nil {
		return "", err
	}
	if out.Command == nil {
		return "", nil
	}
	return aws.ToString(out.Command.CommandId), nil
}

// once keeps the client from trying again by itself: what had its effect without an answer would be run twice.
func once(o *ssm.Options) { o.Retryer = aws.NopRetryer{} }

// Unregistered reports whether Systems Manager does not know the instance, or not that its agent runs.
func Unregistered(err error) bool { return fault.Code(err) == "InvalidInstanceId" }

// Phase is how far a command has come.
type Phase int

const (
	// Unseen means that Systems Manager does not show it.
	Unseen Phase = iota
	// Going means that it waits for its agent, or runs.
	Going
	// Succeeded means that it has.
	Succeeded
	// Failed means that it has begun and failed, or was ended.
	Failed
	// Unrun means that it has never begun, and will not.
	Unrun
)

// State is a command as Systems Manager shows it.
type State struct {
	Phase Phase
	// Status is Systems Manager's own word.
	Status string
	// Ended is how one ended that has failed, with the last of what it printed.
	Ended string
}

// Find shows the command that was sent to an instance with that mark, at that moment or later; zero where it has just
// been launched.
func Find(ctx context.Context, api API, instance, mark string, since time.Time) (State, error) {
	in := &ssm.ListCommandInvocationsInput{InstanceId: aws.String(instance), Details: true}
	if !since.IsZero() {
		in.Filters = []types.CommandFilter{{Key: types.CommandFilterKeyInvokedAfter,
			Value: aws.String(since.Add(-apart).UTC().Format(time.RFC3339))}}
	}
	pages := ssm.NewListCommandInvocationsPaginator(api, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		// InvalidInstanceId: Systems Manager does not know it before its agent has registered.
		if Unregistered(err) {
			return State{}, nil
		}
		if err != nil {
			return State{}, fmt.Errorf("looking for the command on %s: %w", instance, err)
		}
		for _, each := range page.CommandInvocations {
			if aws.ToString(each.Comment) == mark {
				return stateOf(each), nil
			}
		}
	}
	return State{}, nil
}

// apart is how far the clocks of a function and of Systems Manager may be apart.
const apart = 5 * time.Minute

func stateOf(i types.CommandInvocation) State {
	s := State{Phase: Going, Status: string(i.Status)}
	switch i.Status {
	case types.CommandInvocationStatusSuccess:
		s.Phase = Succeeded
	case types.CommandInvocationStatusFailed, types.CommandInvocationStatusTimedOut,
		types.CommandInvocationStatusCancelled:
		s.Phase = Failed
		if unrun[strings.ToLower(strings.ReplaceAll(aws.ToString(i.StatusDetails), " ", ""))] {
			s.Phase = Unrun
		}
		s.Ended = ended(i)
	default: // Pending, InProgress, Delayed, Cancelling, and what this version does not know.
	}
	return s
}

// unrun are details of a status that say that a command has never begun (Systems Manager User Guide, "Understanding
// command statuses"), without their spaces: the pages write them with some, and the API without.
var unrun = map[string]bool{
	"deliverytimedout": true, "undeliverable": true, "terminated": true, "invalidplatform": true, "accessdenied": true,
}

// ended tells how a command failed, and what it printed last: its end says most.
func ended(i types.CommandInvocation) string {
	printed, exit := "nothing", ""
	for _, p := range i.CommandPlugins {
		if p.Status == types.CommandPluginStatusSuccess { // A step for another platform is skipped, and says so.
			continue
		}
		if text := Clean(aws.ToString(p.Output)); text != "" {
			printed = text
		}
		if p.ResponseCode > 0 {
			exit = fmt.Sprintf(" with code %d", p.ResponseCode)
		}
	}
	return fmt.Sprintf("ended as %s%s, having printed: %s", cmp.Or(aws.ToString(i.StatusDetails), string(i.Status)), exit,
		printed)
}

const (
	// shown is how much of a command's output a message holds.
	shown = 300
	// kept is how much of it Systems Manager shows: its beginning (API reference, CommandPlugin).
	kept = 2500
)

// Clean is the last of what a command printed, as a message may hold it: without what moves a terminal's cursor.
func Clean(output string) string {
	cut := len(output) >= kept
	runes := []rune(strings.TrimSpace(strings.Map(printable, strings.ToValidUTF8(output, ""))))
	if len(runes) > shown {
		runes = append([]rune("... "), runes[len(runes)-shown:]...)
	}
	if cut {
		return string(runes) + " ... (it printed more than Systems Manager shows)"
	}
	return string(runes)
}

// printable keeps lines, and drops other control characters.
func printable(r rune) rune {
	switch {
	case r == '\n', r == '\t':
		return r
	case r < ' ', r >= 0x7f && r < 0xa0:
		return -1
	default:
		return r
	}
}
