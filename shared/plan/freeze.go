package plan

import (
	"cmp"
	"time"
)

// Freeze says what is brought to rest on a running instance while its snapshots are begun, with consistency frozen.
type Freeze struct {
	// Of is what: filesystems, or mysql, postgresql or mongodb, each with the file systems. File systems are those of ext4
	// and xfs which the system itself does not need, and never the root. Default filesystems.
	Of FreezeOf `json:"of,omitempty"`
	// Limit is for how long anything may stand still, 20s to 5m. Then a watchdog on the instance lets it go on, and the
	// image does not count as frozen. Default 1m.
	Limit Duration `json:"limit,omitempty"`
	// OnFailure is what is done where nothing could be frozen, or not for long enough: skip leaves the source alone, and
	// fails it once an image was begun; crash-consistent images it all the same; fail fails it. Default skip.
	OnFailure HookFailure `json:"onFailure,omitempty"`
}

// FreezeOf is what is brought to rest.
type FreezeOf string

const (
	// FreezeFilesystems are file systems of data alone.
	FreezeFilesystems FreezeOf = "filesystems"
	// FreezeMySQL locks the tables of MySQL or MariaDB as well.
	FreezeMySQL FreezeOf = "mysql"
	// FreezePostgreSQL has PostgreSQL make a checkpoint before.
	FreezePostgreSQL FreezeOf = "postgresql"
	// FreezeMongoDB locks MongoDB's writes as well.
	FreezeMongoDB FreezeOf = "mongodb"
)

// IsZero reports whether nothing is said of freezing.
func (f Freeze) IsZero() bool { return f == Freeze{} }

// What is what is brought to rest.
func (f Freeze) What() FreezeOf { return cmp.Or(f.Of, FreezeFilesystems) }

// Lasts is for how long anything may stand still.
func (f Freeze) Lasts() time.Duration { return time.Duration(cmp.Or(f.Limit, DefaultFreeze)) }

// Commanded reports whether something is run on the plan's sources around their images.
func (p Plan) Commanded() bool { return p.Consistency == Frozen || p.Hooks.Given() }

// Failing is what is done where what comes before an image fails.
func (p Plan) Failing() HookFailure {
	if p.Consistency == Frozen {
		return cmp.Or(p.Freeze.OnFailure, HookSkip)
	}
	return p.Hooks.Failing()
}

// Runs reports whether instances are imaged without a stop.
func (p Plan) Runs() bool {
	return p.Consistency == Reboot || p.Consistency == None || p.Consistency == Frozen
}

// freeze is about what is frozen.
func (c *checker) freeze(p Plan) {
	f := p.Freeze
	switch {
	case p.Consistency != Frozen && !f.IsZero():
		c.add("freeze", "means nothing without consistency frozen")
		return
	case p.Consistency != Frozen:
		return
	}
	if f.Of != "" {
		choice(c, "freeze.of", f.Of, FreezeOfs)
	}
	if f.OnFailure != "" {
		choice(c, "freeze.onFailure", f.OnFailure, HookFailures)
	}
	if f.Limit != 0 && (f.Limit < MinFreeze || f.Limit > MaxFreeze) {
		c.add("freeze.limit", "%s is outside 20s to 5m", f.Limit)
	}
	if !p.Hooks.IsZero() {
		c.add("hooks", "mean nothing with consistency frozen, which has a command before and after of its own")
	}
}
