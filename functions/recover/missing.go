package recovery

import (
	"context"
	"time"

	"goldsmith/shared/fault"
	"goldsmith/shared/ledger"
	"goldsmith/shared/source"
)

// forgotten is longer than EC2 shows an instance that was terminated: about an hour (User Guide, "Terminate Amazon EC2
// instances").
const forgotten = 2 * time.Hour

// missing settles the claim of a stopped instance that a describe does not know. A describe may lag: the start of one
// that was terminated is refused as well, and any other is started by it.
func (r Rescue) missing(ctx context.Context, c ledger.Claim) (settled, error) {
	if c.StopMayLand(r.Now()) {
		return settled{down: true}, nil
	}
	accepted, err := r.accepted(ctx, c)
	if err != nil || accepted && r.Now().Sub(c.StopSent) < forgotten {
		return settled{down: true}, err
	}
	err = r.startUnseen(ctx, c)
	if fault.IsNotFound(err) {
		c, waits, why, err := r.serve(ctx, c, "")
		if err != nil || waits {
			return settled{down: true}, err
		}
		problem := "it was terminated" + why
		was, err := r.close(ctx, c, early+problem, "")
		return settled{was: was, is: problem}, err
	}
	return settled{down: true}, err
}

// there reports whether a source that was not stopped, and that a describe does not know, may be there all the same:
// its command after is due.
func (r Rescue) there(ctx context.Context, c ledger.Claim) (bool, error) {
	if r.Now().Sub(c.Since) > unknown {
		return false, nil
	}
	return source.Known(ctx, r.EC2, c.Source)
}
