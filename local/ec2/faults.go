package ec2

import (
	"net/http"
	"time"

	"goldsmith/local/inject"
	"goldsmith/local/query"
)

// Fault is something that goes wrong in EC2.
type Fault = inject.Fault

// Inject adds a fault.
func (w *World) Inject(f Fault) { w.faults.Inject(f) }

// faultsOf are the faults that strike a call. Asking counts the call. Chance depends on
// who calls and on the whole call, so that calls of one moment do not trade places.
func (w *World) faultsOf(call *query.Call, named []string) inject.Struck {
	w.striking = w.faults.Strike(inject.Call{Action: call.Action, Named: named, At: w.now,
		Chance: func(kind string) float64 { return w.chance(kind, call.Caller+" "+query.Stable(call.Form)) }})
	return w.striking
}

// beforehand is the error that keeps a call from having any effect.
func beforehand(striking inject.Struck) error {
	f, strikes := striking.Before()
	switch {
	case !strikes:
		return nil
	case f.Code == inject.Throttled && f.PerSecond > 0:
		return limitExceeded()
	}
	return errorOf(f)
}

// afterwards is what a call ends in that had its effect.
func afterwards(striking inject.Struck) error {
	f, strikes := striking.After()
	switch {
	case !strikes:
		return nil
	case f.Drop:
		return query.ErrDropped
	}
	return errorOf(f)
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

func errorOf(f Fault) error {
	status := f.Status
	if status == 0 {
		status = serverErrors[f.Code]
	}
	return &query.Error{Code: f.Code, Message: orElse(f.Message, "An injected fault: "+f.Code+"."), Status: status}
}

// stuck reports whether a stop comes to nothing.
func (w *World) stuck(id string, force bool) bool {
	_, strikes := w.striking.Of(id, func(f Fault) bool { return f.Wedged || f.Stuck && !force })
	return strikes
}

func (w *World) delay(id string) time.Duration {
	f, _ := w.striking.Of(id, func(f Fault) bool { return f.Delay > 0 })
	return f.Delay
}

// unnamed reports whether a call of many leaves an instance out.
func (w *World) unnamed(id string) bool {
	_, strikes := w.striking.Of(id, func(f Fault) bool { return f.Unnamed })
	return strikes
}

// startFails is why an instance will fall back to stopped.
func (w *World) startFails(id string) (reason, bool) {
	f, strikes := w.striking.Of(id, func(f Fault) bool { return f.StartReason != "" })
	return reason{f.StartReason, orElse(f.Message, f.StartReason)}, strikes
}

func (w *World) impaired(image string) bool {
	_, strikes := w.striking.Of(image, func(f Fault) bool { return f.Impaired })
	return strikes
}

// snapshotReturn is the code with which a fault keeps the snapshots of an image.
func (w *World) snapshotReturn(image string) string {
	f, _ := w.striking.Of(image, func(f Fault) bool { return f.SnapshotReturn != "" })
	return f.SnapshotReturn
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
	f, strikes := w.striking.Of(id, func(f Fault) bool {
		return f.ImageState != "" || f.PendingAgain > 0 || f.SnapshotError
	})
	if !strikes {
		return ending{}
	}
	return ending{f.ImageState, reason{"Client.InternalError",
		orElse(f.Message, "Client.InternalError: The image could not be created")}, f.PendingAgain, f.SnapshotError}
}
