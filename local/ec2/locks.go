package ec2

import (
	"time"

	"goldsmith/local/query"
)

// lock keeps a snapshot from being deleted. Its state follows from the time.
type lock struct {
	mode           string // governance or compliance
	created        time.Time
	coolOff        int // hours; 0 for none
	days           int // 0 when it ends at a date
	coolsOff, ends time.Time
}

func (l *lock) state(now time.Time) string {
	switch {
	case !now.Before(l.ends):
		return "expired"
	case l.mode == "compliance" && now.Before(l.coolsOff):
		return "compliance-cooloff"
	}
	return l.mode
}

// locked tells whether a snapshot cannot be deleted.
func (s *snapshot) locked(now time.Time) bool { return s.lock != nil && s.lock.state(now) != "expired" }

// The bounds of LockSnapshot (API reference).
const (
	maxCoolOffHours = 72
	maxLockDays     = 36_500
)

func lockSnapshot(w *World, call *query.Call) error {
	p := call.Params
	s, err := w.ownSnapshot(p)
	if err != nil {
		return err
	}
	l, err := w.readLock(p)
	if err != nil {
		return err
	}
	if s.lock != nil && s.lock.state(w.now) == "compliance" && (l.mode != "compliance" || l.ends.Before(s.lock.ends)) {
		return query.Errorf("OperationNotPermitted", "The lock of snapshot %s can only be extended.", s.id)
	}
	if err := call.Commit(); err != nil {
		return err
	}
	w.snapshots.change(w.now, s.id, func(s *snapshot) { s.lock = l })
	w.writeLock(call.Out, w.snapshots.get(s.id), w.now)
	return nil
}

func (w *World) readLock(p *query.Params) (*lock, error) {
	l := &lock{mode: p.Text("LockMode"), created: w.now, coolOff: p.Int("CoolOffPeriod"), days: p.Int("LockDuration"),
		ends: p.Time("ExpirationDate")}
	if err := p.Err(); err != nil {
		return nil, err
	}
	if err := l.check(p, w.now); err != nil {
		return nil, err
	}
	l.coolsOff = w.now.Add(time.Duration(l.coolOff) * time.Hour)
	if l.days > 0 {
		l.ends = w.now.AddDate(0, 0, l.days)
	}
	return l, nil
}

func (l *lock) check(p *query.Params, now time.Time) error {
	lasts, ends := p.Has("LockDuration"), p.Has("ExpirationDate")
	switch {
	case l.mode != "governance" && l.mode != "compliance":
		return query.Errorf("InvalidParameterValue", "Invalid value '%s' for lockMode.", l.mode)
	case lasts == ends:
		return query.Errorf("InvalidParameterCombination",
			"Either LockDuration or ExpirationDate must be specified, but not both.")
	case l.mode == "governance" && p.Has("CoolOffPeriod"):
		return query.Errorf("InvalidParameterCombination", "CoolOffPeriod is for compliance mode.")
	}
	return l.bounded(lasts, ends, now)
}

func (l *lock) bounded(lasts, ends bool, now time.Time) error {
	switch {
	case l.coolOff < 0 || l.coolOff > maxCoolOffHours:
		return query.Errorf("InvalidParameterValue", "CoolOffPeriod must be between 1 and %d hours.", maxCoolOffHours)
	case lasts && (l.days < 1 || l.days > maxLockDays):
		return query.Errorf("InvalidParameterValue", "LockDuration must be between 1 and %d days.", maxLockDays)
	case ends && !l.ends.After(now):
		return query.Errorf("InvalidParameterValue", "ExpirationDate must be in the future.")
	}
	return nil
}

func unlockSnapshot(w *World, call *query.Call) error {
	s, err := w.ownSnapshot(call.Params)
	switch {
	case err != nil:
		return err
	case s.lock == nil || s.lock.state(w.now) == "expired":
		return query.Errorf("InvalidParameterValue", "The snapshot %s is not locked.", s.id)
	case s.lock.state(w.now) == "compliance":
		return query.Errorf("OperationNotPermitted", "The snapshot %s is locked in compliance mode.", s.id)
	}
	if err := call.Commit(); err != nil {
		return err
	}
	w.snapshots.change(w.now, s.id, func(s *snapshot) { s.lock = nil })
	call.Out.Text("snapshotId", s.id)
	return nil
}

func describeLockedSnapshots(w *World, call *query.Call) error {
	found, next, err := list(w, call, listing[snapshot]{
		store: w.snapshots, ids: "SnapshotId", unknown: unknownSnapshot, min: 5, max: 1000, clamps: true, scan: true,
		filters: filterable[snapshot]{"lock-state": one(func(s *snapshot) string {
			if s.lock == nil {
				return ""
			}
			return s.lock.state(w.asOf)
		})},
		keep: func(s *snapshot) bool { return s.lock != nil },
	})
	if err != nil {
		return err
	}
	query.Items(call.Out, "snapshotSet", found, func(s *snapshot) {
		call.Out.Text("ownerId", s.owner)
		w.writeLock(call.Out, s, w.asOf)
	})
	call.Out.Optional("nextToken", next)
	return nil
}

func (w *World) writeLock(out *query.Writer, s *snapshot, now time.Time) {
	l := s.lock
	out.Text("snapshotId", s.id)
	out.Text("lockState", l.state(now))
	if l.days > 0 {
		out.Int("lockDuration", l.days)
	}
	if l.coolOff > 0 {
		out.Int("coolOffPeriod", l.coolOff)
		out.Time("coolOffPeriodExpiresOn", l.coolsOff)
	}
	out.Time("lockCreatedOn", l.created)
	out.Time("lockDurationStartTime", l.created)
	out.Time("lockExpiresOn", l.ends)
}
