package job

import (
	"encoding/json"
	"errors"
	"log/slog"
)

// Either is the document of the run itself or of one of its sources, for a function that both invoke. One of the two is
// set.
type Either struct {
	Job   *Job
	Batch *Batch
}

// UnmarshalJSON reads a document: that of a source names its source.
func (e *Either) UnmarshalJSON(text []byte) error {
	var which struct {
		Source json.RawMessage `json:"source"`
	}
	*e = Either{}
	if err := json.Unmarshal(text, &which); err != nil {
		return err
	}
	if which.Source != nil {
		return json.Unmarshal(text, &e.Job)
	}
	return json.Unmarshal(text, &e.Batch)
}

// MarshalJSON writes the document that is set.
func (e Either) MarshalJSON() ([]byte, error) {
	switch {
	case e.Job != nil:
		return json.Marshal(e.Job)
	case e.Batch != nil:
		return json.Marshal(e.Batch)
	default:
		return nil, errors.New("neither a run's document nor a source's")
	}
}

// LogAttrs are the ids an operator searches by.
func (e Either) LogAttrs() []slog.Attr {
	switch {
	case e.Job != nil:
		return e.Job.LogAttrs()
	case e.Batch != nil:
		return e.Batch.LogAttrs()
	default:
		return nil
	}
}
