package job

import (
	"bytes"
	"encoding/json"
)

// Document is a job with what its JSON holds beyond it. Lambda versions keep a run with the code that it began
// with, but events are handled by the newest code, or by older code after a step back: what other code
// wrote into the job goes back to the run as it was.
type Document struct {
	Job
	// Text is the JSON that the job was read from, kept when it has fields that Job has not.
	Text json.RawMessage `json:"-"`
}

// UnmarshalJSON reads the job.
func (d *Document) UnmarshalJSON(text []byte) error {
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	*d = Document{}
	if strict.Decode(&d.Job) == nil {
		return nil
	}
	*d = Document{Text: bytes.Clone(text)}
	return json.Unmarshal(text, &d.Job)
}

// MarshalJSON writes the job, with the fields of Text that Job does not know.
func (d Document) MarshalJSON() ([]byte, error) {
	now, err := json.Marshal(d.Job)
	if err != nil || d.Text == nil {
		return now, err
	}
	var read Job
	if err := json.Unmarshal(d.Text, &read); err != nil {
		return nil, err
	}
	was, err := json.Marshal(read)
	if err != nil {
		return nil, err
	}
	return merged(d.Text, was, now)
}

// merged is now, and what is in all but not in was, at any depth of objects.
func merged(all, was, now json.RawMessage) (json.RawMessage, error) {
	var fields [3]map[string]json.RawMessage
	for i, text := range []json.RawMessage{all, was, now} {
		if !object(text, &fields[i]) {
			return now, nil // Now is all there is.
		}
	}
	for name, text := range fields[0] {
		before, known := fields[1][name]
		after, stays := fields[2][name]
		switch {
		case !known:
			if !stays {
				fields[2][name] = text
			}
		case stays:
			inner, err := merged(text, before, after)
			if err != nil {
				return nil, err
			}
			fields[2][name] = inner
		}
	}
	return json.Marshal(fields[2])
}

// object reports whether the text is a JSON object, and reads its fields.
func object(text json.RawMessage, fields *map[string]json.RawMessage) bool {
	return json.Unmarshal(text, fields) == nil && *fields != nil
}
