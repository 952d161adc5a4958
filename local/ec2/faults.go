package ec2

import (
	"net/http"
	"slices"
	"time"

	"goldsmith/local/bucket"
	"goldsmith/local/query"
)

// Fault is something that goes wrong. Action, Resource, Nth, Chance and Until
// say when; the other fields say what, and may be combined.
type Fault struct {
	Action   string    // empty: any
	Resource string    // an id the call names; empty: any
	Nth      []int     // which of the matching calls, from 1; empty: all
	Chance   float64   // of a matching call, in (0,1]; 0 means 1
	Until    time.Time // nothing goes wrong from then on; zero: for ever

	Code    string // the call fails with this error, before it has any effect ...
	After   bool   // ... or after it
	Message string // of the error or the reason
	Status  int    // HTTP status of the error; 0: 400, or what the code always has
	Drop    bool   // the call has its effect and the connection breaks

	PerSecond float64 // more matching calls than this get RequestLimitExceeded

	// Of StopInstances: the instance stays in stopping, until it is forced.
	Stuck bool
	// Of StopInstances: the instance stays in stopping, even when it is forced.
	Wedged bool
	// Of StartInstances and RunInstances: the call succeeds and the instance falls back to
	// stopped, or is terminated, with this code and Message as its StateReason.
	StartReason string
	// Of RunInstances: the instance runs and its instance status check fails.
	Impaired bool
	// Of CreateImage, RegisterImage and CopyImage, by the instance or image
	// they name: the image ends failed, error or invalid, with Code left empty
	// and Message as its StateReason.
	ImageState string
	// Of the same: the image is available, then pending again for this long.
	PendingAgain time.Duration
	// Of CreateImage: its snapshots appear in state error, with Message, and the image ends failed.
	SnapshotError bool
	// Of DeregisterImage: the image goes, and each of its snapshots stays with this code.
	SnapshotReturn string
	// Of StartInstances, StopInstances and CreateImage: it takes this much longer.
	Delay time.Duration
}

type fault struct {
	Fault
	calls int
	rate  bucket.Set // of PerSecond
}

// Inject adds a fault.
func (w *World) Inject(f Fault) {
	w.lock()
	defer w.unlock()
	added := &fault{Fault: f}
	if f.PerSecond > 0 {
		added.rate = bucket.Set{}
	}
	w.faults = append(w.faults, added)
}

// faultsOf are the faults that strike a call. Asking counts the call. Chance depends on
// who calls and on the whole call, so that calls of one moment do not trade places.
func (w *World) faultsOf(call *query.Call, named []string) []*fault {
	var striking []*fault
	for _, f := range w.faults {
		if !f.about(call.Action, named) || !f.Until.IsZero() && !w.now.Before(f.Until) {
			continue
		}
		f.calls++
		if len(f.Nth) > 0 && !slices.Contains(f.Nth, f.calls) {
			continue
		}
		if f.Chance == 0 || w.chance("fault/"+f.Code+f.ImageState, call.Caller+" "+query.Stable(call.Form)) < f.Chance {
			striking = append(striking, f)
		}
	}
	w.striking = striking
	return striking
}

func (f *fault) about(action string, named []string) bool {
	return (f.Action == "" || f.Action == action) && (f.Resource == "" || slices.Contains(named, f.Resource))
}

// beforehand is the error that keeps a call from having any effect.
func (w *World) beforehand(striking []*fault) error {
	for _, f := range striking {
		if f.rate != nil && !f.rate.Take("", bucket.Of(max(1, f.PerSecond), f.PerSecond), w.now, 1) {
			return limitExceeded()
		}
		if f.Code != "" && !f.After {
			return f.err()
		}
	}
	return nil
}

// afterwards is what a call ends in that had its effect.
func afterwards(striking []*fault) error {
	for _, f := range striking {
		if f.Drop {
			return query.ErrDropped
		}
		if f.Code != "" && f.After {
			return f.err()
		}
	}
	return nil
}

// serverErrors are those that EC2 lists as its own fault (error code reference, "Server error codes").
var serverErrors = map[string]int{
	"InsufficientInstanceCapacity": http.StatusInternalServerError,
	"InsufficientCapacity":         http.StatusInternalServerError,

	"InsufficientAddressCapacity":          http.StatusInternalServerError,
	"InsufficientHostCapacity":             http.StatusInternalServerError,
	"InsufficientReservedInstanceCapacity": http.StatusInternalServerError,
	"InsufficientVolumeCapacity":           http.StatusInternalServerError,
	"ServerInternal":                       http.StatusInternalServerError,

	"InternalError":        http.StatusInternalServerError,
	"InternalFailure":      http.StatusInternalServerError,
	"RequestLimitExceeded": http.StatusServiceUnavailable,
	"ServiceUnavailable":   http.StatusServiceUnavailable,
	"Unavailable":          http.StatusServiceUnavailable,
}

func (f *fault) err() error {
	status := f.Status
	if status == 0 {
		status = serverErrors[f.Code]
	}
	return &query.Error{Code: f.Code, Message: orElse(f.Message, "An injected fault: "+f.Code+"."), Status: status}
}

// struck asks the faults that struck the call being served, resource by resource.
func (w *World) struck(id string, has func(*fault) bool) *fault {
	for _, f := range w.striking {
		if (f.Resource == "" || f.Resource == id) && has(f) {
			return f
		}
	}
	return nil
}

// stuck reports whether a stop comes to nothing.
func (w *World) stuck(id string, force bool) bool {
	return w.struck(id, func(f *fault) bool { return f.Wedged || f.Stuck && !force }) != nil
}

func (w *World) delay(id string) time.Duration {
	if f := w.struck(id, func(f *fault) bool { return f.Delay > 0 }); f != nil {
		return f.Delay
	}
	return 0
}

// startFails is why an instance will fall back to stopped.
func (w *World) startFails(id string) (reason, bool) {
	f := w.struck(id, func(f *fault) bool { return f.StartReason != "" })
	if f == nil {
		return reason{}, false
	}
	return reason{f.StartReason, orElse(f.Message, f.StartReason)}, true
}

func (w *World) impaired(image string) bool {
	return w.struck(image, func(f *fault) bool { return f.Impaired }) != nil
}

// ending is how an image will end otherwise than available at once.
type ending struct {
	state string
	why   reason
	again time.Duration
	// unstored is set when the snapshots fail.
	unstored bool
}

func (w *World) imageEnding(id string) ending {
	f := w.struck(id, func(f *fault) bool { return f.ImageState != "" || f.PendingAgain > 0 || f.SnapshotError })
	if f == nil {
		return ending{}
	}
	return ending{f.ImageState, reason{"Client.InternalError",
		orElse(f.Message, "Client.InternalError: The image could not be created")}, f.PendingAgain, f.SnapshotError}
}
