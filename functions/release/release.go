// Package release ends a job: it writes the result, answers the request tag and
// gives the claim up, unless an instance is still down. Groups are refreshed
// afterwards: a claim does not wait for hours, and no refresh changes what became
// of the source.
package release

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/bound"
	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/hook"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/metric"
	"goldsmith/shared/request"
	"goldsmith/shared/source"
	"goldsmith/shared/standby"
	"goldsmith/shared/tag"
)

// tagger writes and removes tags.
type tagger interface {
	request.Untagger
	CreateTags(context.Context, *ec2.CreateTagsInput, ...func(*ec2.Options)) (*ec2.CreateTagsOutput, error)
}

// claims is the ledger's claims as far as releasing needs them.
type claims interface {
	Claim(ctx context.Context, c ledger.Claim) (ledger.Claim, error)
	Record(ctx context.Context, c ledger.Claim) error
	Drop(ctx context.Context, source, run string) error
}

// heldAPI is the ledger's claims, the bounds of plans, and who waits for what.
type heldAPI interface {
	claims
	bound.Ledger
	ledger.Waiting
}

// results is where results go, and what is known of images.
type results interface {
	PutResult(ctx context.Context, r job.Result) error
	ledgerAPI
}

// ec2API is what releasing asks of EC2 and does there.
type ec2API interface {
	tagger
	source.Lister
	ec2.DescribeImagesAPIClient
}

// Step releases a source.
type Step struct {
	EC2      ec2API
	Claims   heldAPI
	Results  results
	Requests request.Ledger
	// Service brings members of Auto Scaling groups back into service.
	Service standby.Service
	// Hooks runs the command that a plan has after an image.
	Hooks hook.Runner
	Now   func() time.Time
}

// Handle ends the job. The result is written first and the claim dropped last,
// so that a crash in between is repeated, never forgotten.
func (s Step) Handle(ctx context.Context, j job.Job) (job.Job, error) {
	now, shows := s.Now().UTC(), ""
	if endingOf(j) == job.LeftStopped {
		j, shows = s.look(ctx, j)
	}
	ending := endingOf(j)
	j, out, err := s.settled(ctx, j, ending)
	if err != nil {
		return j, err
	}
	j.Warnings = append(slices.Clone(j.Warnings), leftover(j)...)
	j = leftToDo(j, ending)
	j.Times.Released = now
	result := j.ResultOf(ending, now)
	result.Problem, result.Do = problem(j)
	result.Shows = shows
	if err := s.Results.PutResult(ctx, result); err != nil {
		return j, fmt.Errorf("recording the result of %s: %w", j.Source.ID, err)
	}
	if err := s.register(ctx, j); err != nil {
		return j, err
	}
	left, err := s.answer(ctx, j, ending)
	if err != nil {
		return j, err
	}
	if left != nil {
		result.Warnings = append(result.Warnings, *left)
		if err := s.Results.PutResult(ctx, result); err != nil {
			return j, fmt.Errorf("recording the result of %s: %w", j.Source.ID, err)
		}
	}
	if err := s.forget(ctx, j); err != nil {
		return j, err
	}
	if err := s.giveUp(ctx, j, ending, out, now); err != nil {
		return j, err
	}
	count(ctx, j, ending)
	return j, nil
}

// leftToDo is the job with what is still to be done for its image, for which nothing waits.
func leftToDo(j job.Job, ending job.Ending) job.Job {
	j.Refreshing = ending == job.Imaged && concernsGroups(j)
	if j.Copies = nil; ending == job.Imaged && j.General != job.GeneralLeft {
		j.Copies = j.Run.Copies
	}
	j.Copying = j.CopiesOpen()
	return j
}

// leftover warns of a test instance that could not be terminated. The sweep goes on trying.
func leftover(j job.Job) []job.Reason {
	if j.Leftover == nil {
		return nil
	}
	return []job.Reason{{Code: job.TestLeft, Text: "its test instance may still run: " + j.Leftover.Problem()}}
}

// concernsGroups reports whether the plan has groups looked at, and one may use what was
// rolled. A warning is about templates only: a group that takes its image from a
// parameter launches the new one by itself.
func concernsGroups(j job.Job) bool {
	asked := j.Plan.Roll.Refresh
	if j.Rest != nil && j.Rest.Rolled > 0 {
		return asked.Enabled || asked.Warn
	}
	return slices.ContainsFunc(j.Rolled, func(r job.Rolled) bool {
		template, through := r.Template(), len(r.Through) > 0
		return r.Problem == "" && (asked.Enabled && (template || through) || asked.Warn && template)
	})
}

func endingOf(j job.Job) job.Ending {
	switch {
	case j.Decision == job.SkipIt:
		return job.Skipped
	case j.Failure == nil:
		return job.Imaged
	case j.Back || j.Decision != job.StopFirst:
		return job.Broken
	default:
		return job.LeftStopped
	}
}

// looking is how long EC2 is asked how the source is. What it does not say is not waited for.
const looking = 20 * time.Second

// look sees how a source is that its job could not bring back: one that runs since, or was terminated, is not left
// stopped, and of one that is on its way up people are told so. Else it counts as the job left it.
func (s Step) look(ctx context.Context, j job.Job) (seen job.Job, shows string) {
	brief, cancel := context.WithTimeout(ctx, looking)
	defer cancel()
	instance, ok, err := source.Find(brief, s.EC2, j.Source.ID)
	if err == nil && !ok {
		err = source.Missing(j.Source.ID)
	}
	if err != nil {
		handler.Log(ctx).WarnContext(ctx, "source not seen", "source", j.Source.ID, "error", err)
		return j, ""
	}
	state := source.State(instance)
	switch {
	case source.Ending(state):
		j.Back, j.Gone = true, true
	case state == types.InstanceStateNameRunning:
		// A stop of ours that has not landed yet is not over: only a later start is (API reference, Instance, LaunchTime).
		j.Back = !j.Times.StopSent.IsZero() && aws.ToTime(instance.LaunchTime).After(j.Times.StopSent)
	case state == types.InstanceStateNamePending:
		return j, string(state)
	}
	return j, ""
}

// problem is what went wrong first, and what kept the instance from coming back; and what to do about it,
// with which it ends.
func problem(j job.Job) (what, do string) {
	first, then := j.Failure.Problem(), j.Comeback.Problem()
	if j.Comeback == nil {
		return first, j.Failure.Do()
	}
	do = cmp.Or(j.Comeback.Do(), j.Failure.Do())
	what = bare(first, j.Failure.Do())
	if first == then {
		what += ". Bringing it back failed the same way."
	} else {
		what += ". Bringing it back failed as well: " + bare(then, j.Comeback.Do())
	}
	if do != "" {
		what = strings.TrimSuffix(what, ".") + ". " + do
	}
	return what, do
}

// bare is what went wrong without what to do, and without its full stop.
func bare(what, do string) string {
	return strings.TrimSuffix(strings.TrimSuffix(what, " "+do), ".")
}

// answer takes the request off the source and tells on it what became of it. left says
// that the request tag stays.
func (s Step) answer(ctx context.Context, j job.Job, ending job.Ending) (left *job.Reason, err error) {
	if j.Skip != nil && j.Skip.Code == job.Gone {
		return nil, nil
	}
	lasting, err := passing(ctx, j, s.takeOff(ctx, j))
	if err != nil {
		return nil, err
	}
	if lasting != nil {
		left = &job.Reason{Code: job.RequestLeft, Text: "tag " + tag.Request + " cannot be taken off (" +
			fault.Code(lasting) +
			"): take it off by hand, it asks for nothing until it is put on again"}
	}
	if ending == job.Imaged {
		_, err = passing(ctx, j, s.note(ctx, j))
	}
	return left, err
}

// passing is err when it will pass. One that lasts, such as a source that has
// fifty tags already, is logged: a tag is not worth a claim that stays behind.
func passing(ctx context.Context, j job.Job, failed error) (lasting, err error) {
	if fault.IgnoreNotFound(failed) == nil {
		return nil, nil
	}
	if fault.IsTransient(failed) || fault.IsNotYet(failed) {
		return nil, failed
	}
	handler.Log(ctx).WarnContext(ctx, "source not tagged", "source", j.Source.ID, "error", failed)
	return failed, nil
}

func count(ctx context.Context, j job.Job, ending job.Ending) {
	log := handler.Log(ctx)
	switch ending {
	case job.Imaged:
		metric.Put(ctx, log, metric.SourcesImaged, j.Run.Plan, 1)
		if down := j.Times.Downtime(); down > 0 {
			metric.Put(ctx, log, metric.Downtime, j.Run.Plan, down.Seconds())
		}
	case job.Skipped:
		metric.Put(ctx, log, metric.SourcesSkip, j.Run.Plan, 1)
	case job.LeftStopped:
		metric.Put(ctx, log, metric.LeftStopped, j.Run.Plan, 1)
		metric.Put(ctx, log, metric.SourcesFailed, j.Run.Plan, 1)
	case job.Broken:
		metric.Put(ctx, log, metric.SourcesFailed, j.Run.Plan, 1)
	}
}
