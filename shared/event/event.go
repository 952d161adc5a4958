// Package event knows what Goldsmith's Lambdas receive: EventBridge events by
// source, detail-type and version, the input of EventBridge Scheduler, and what
// a person or the command line sends.
//
// An event is a hint and never the truth: EventBridge delivers each of these on
// a best-effort basis, possibly twice and out of order, so who acts on one
// describes the resource first.
package event

import (
	"time"

	"goldsmith/shared/job"
)

// Event is one of the types of this file; no other package can add one.
type Event interface{ event() }

// Scheduled says that a plan's schedule fired.
type Scheduled struct {
	Plan string
	// Time is when the schedule was due, not when it was delivered, so a repeated delivery says the same.
	Time time.Time
	// Schedule is the schedule's ARN.
	Schedule string
}

// RunNow says that a person wants a plan's run now.
type RunNow struct {
	Plan string
	// Source is the one instance or snapshot wanted; empty for all the plan's sources.
	Source string
	// Data are snapshots of data volumes for the image of a snapshot, by their devices.
	Data map[string]string
	// By names who asked.
	By string
	// At is when it was asked for; zero when the sender did not say.
	At time.Time
	// ID makes repeated sends one request: 1 to 64 of A-Z, a-z, 0-9, "-" and "_".
	// Empty when the sender gave none; then only the Lambda request id tells sends apart.
	ID string
}

// Rollback says that a person wants a source's templates and alias pointed back.
type Rollback struct {
	// Name is the name of the source whose images they launch.
	Name string
	// To is an image's id or a launch template version; empty for what there was before.
	To string
	// By names who asked.
	By string
	// Dry only says what would be done.
	Dry bool
	// Refresh moves the groups that still launch, or run, what is undone.
	Refresh bool
	// Follow undoes nothing: what is held takes new images again.
	Follow bool
	// After is the id of the last target that an earlier call for the same has done; empty for the first call.
	After string
}

// Handover says that a person gives the name of a source to another one.
type Handover struct {
	// Name is the name, To the id of the instance that is to have it.
	Name, To string
	// By names who asked.
	By string
	// Dry only says what would be done.
	Dry bool
}

// Adopt says that a person wants images registered that are not.
type Adopt struct {
	// Images are the ids; empty for All.
	Images []string
	// All is every image that EC2's facts show to be Goldsmith's, in the order of ids from the first behind After.
	All   bool
	After string
	// By names who asked.
	By string
	// Dry only says what would be registered.
	Dry bool
}

// Exempt says that a person does not want others to wait for a source that is down.
type Exempt struct {
	// Source is its id or its name.
	Source string
	// By names who said so.
	By string
	// Undo takes it back.
	Undo bool
}

// Requested says that the tag goldsmith:image was put on an instance or a
// snapshot, or its value changed.
type Requested struct {
	ID   string
	Kind job.Kind
	// Value is the tag's value as people wrote it: a plan's name, "now", or a mistake.
	Value string
	// Version counts the changes of the resource's tags, so it names this one.
	Version int64
	Region  string
	Account string
	Time    time.Time
}

// SnapshotTagged says that a snapshot carries a run's tag: CreateImage and
// CreateSnapshot tag what they create, so the snapshot exists.
type SnapshotTagged struct {
	ID string
	// Source is the instance or snapshot it was made from, by the tag goldsmith:source.
	Source string
	// Run is the run that made it, by the tag goldsmith:run.
	Run string
}

// InstanceChanged says that an instance entered a state: pending, running,
// stopping, stopped, shutting-down or terminated.
type InstanceChanged struct{ ID, State string }

// ImageChanged says that an image entered a state: available, failed,
// deregistered or disabled.
type ImageChanged struct {
	ID    string
	State string
	// Message is EC2's reason when it failed.
	Message string
}

// SnapshotCopied says that a copy of a snapshot is complete, or has failed.
type SnapshotCopied struct {
	// ID is the copy's, Source that of what it is a copy of.
	ID, Source string
}

// RefreshEnded says that an instance refresh of an Auto Scaling group ended: it
// succeeded, failed, was cancelled or was rolled back.
type RefreshEnded struct{ ID, Group string }

// ExecutionEnded says that an execution of some state machine ended. A
// distributed Map's child executions have the map's label in ARN and Machine.
type ExecutionEnded struct {
	ARN     string
	Machine string
	Name    string
	// Status is SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
	Status string
}

// Sweep asks recover to look for what dead runs left behind.
type Sweep struct{}

// Ignored is an event that nothing has to be done for.
type Ignored struct {
	// Why is one clause for the log.
	Why string
}

func (Scheduled) event()       {}
func (RunNow) event()          {}
func (Rollback) event()        {}
func (Handover) event()        {}
func (Adopt) event()           {}
func (Exempt) event()          {}
func (Requested) event()       {}
func (SnapshotTagged) event()  {}
func (InstanceChanged) event() {}
func (ImageChanged) event()    {}
func (SnapshotCopied) event()  {}
func (RefreshEnded) event()    {}
func (ExecutionEnded) event()  {}
func (Sweep) event()           {}
func (Ignored) event()         {}
