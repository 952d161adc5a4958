// Package wake ends waits early: an event says that something changed, EC2 says what.
package wake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"goldsmith/shared/event"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/wait"
)

// waitsAPI is the ledger as far as waking needs it.
type waitsAPI interface {
	Waits(ctx context.Context, resource string) ([]ledger.Wait, error)
}

// Step wakes waiting steps.
type Step struct {
	Waits   waitsAPI
	Settler wait.Settler
	Home    event.Home
}

// Handle settles the waits that the event may have ended. Most events are of
// instances that no run waits for: they cost one look into the ledger.
func (s Step) Handle(ctx context.Context, raw json.RawMessage) (struct{}, error) {
	decoded, err := event.Decode(raw, s.Home)
	if err != nil {
		return struct{}{}, err
	}
	resource, kinds := concerns(decoded)
	if resource == "" {
		handler.Log(ctx).DebugContext(ctx, "nothing to wake", "event", decoded)
		return struct{}{}, nil
	}
	waits, err := s.Waits.Waits(ctx, resource)
	if err != nil {
		return struct{}{}, fmt.Errorf("looking for who waits for %s: %w", resource, err)
	}
	var problems []error
	for _, w := range waits {
		if kinds[w.For] {
			problems = append(problems, s.Settler.Settle(ctx, w))
		}
	}
	return struct{}{}, errors.Join(problems...)
}

var (
	states    = map[job.For]bool{job.ForStopped: true, job.ForRunning: true, job.ForBooted: true}
	snapshots = map[job.For]bool{job.ForSnapshots: true}
	copies    = map[job.For]bool{job.ForCopies: true}
	images    = map[job.For]bool{job.ForImage: true}
	refreshes = map[job.For]bool{job.ForRefresh: true}
)

// concerns is the resource whose waits the event may end, and which of them.
func concerns(e event.Event) (string, map[job.For]bool) {
	switch e := e.(type) {
	case event.InstanceChanged:
		return e.ID, states
	case event.ImageChanged:
		return e.ID, images
	case event.SnapshotTagged:
		return e.Source, snapshots
	case event.SnapshotCopied:
		return e.Source, copies
	case event.RefreshEnded:
		return e.ID, refreshes
	default:
		return "", nil
	}
}
