package ledger

import (
	"time"

	"goldsmith/shared/job"
)

// Request is what is remembered of the request tag on a source, from when the tag
// is noticed until a sweep finds that it is off. While it is on, its answer is
// remembered: a tag that cannot be taken off starts no second run.
type Request struct {
	Source string   `json:"source"`
	Kind   job.Kind `json:"kind,omitempty"`
	// Value is the tag's value, and Version the tag change that set it; 0 when no event told of it.
	Value   string `json:"value"`
	Version int64  `json:"version,omitempty"`
	// Since is when the tag was put on, as far as anybody knows.
	Since time.Time `json:"since"`
	// Run is the run that answers it; empty while its event may still come.
	Run string `json:"run,omitempty"`
	// Again is set when Run follows one that was cut off before it gave an answer.
	Again bool `json:"again,omitempty"`
	// Answered is set once Run has ended with an answer.
	Answered bool `json:"answered,omitempty"`
	// Later is the newest change of the tag while Run goes on: one more run answers it.
	Later *TagChange `json:"later,omitempty"`
	// At is when this record was last changed.
	At time.Time `json:"at,omitzero"`
	// Revision changes with every PutRequest.
	Revision string `json:"revision,omitempty"`
}

// TagChange is a change of the request tag.
type TagChange struct {
	Value   string    `json:"value"`
	Version int64     `json:"version"`
	At      time.Time `json:"at"`
}

func (r Request) inUTC() Request {
	toUTC(&r.Since, &r.At)
	if r.Later != nil {
		later := *r.Later
		toUTC(&later.At)
		r.Later = &later
	}
	return r
}
