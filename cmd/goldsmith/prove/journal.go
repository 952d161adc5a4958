package prove

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// entry is a line of the journal.
type entry struct {
	// Run, Account and Region begin a journal, and each start of what it is of.
	Run     string `json:"run,omitempty"`
	Account string `json:"account,omitempty"`
	Region  string `json:"region,omitempty"`
	// Making is what is about to be made, Made the id of it.
	Making string `json:"making,omitempty"`
	Made   string `json:"made,omitempty"`
	// Tried is what came of a probe.
	Tried *Finding `json:"tried,omitempty"`
	// Removed is whether nothing is left; Ended whether nothing is to be tried any more.
	Removed bool `json:"removed,omitempty"`
	Ended   bool `json:"ended,omitempty"`
}

// journal is a file that says what is made before it is made, so that whoever finds it can remove it. A line of that is
// on disk before write returns.
type journal struct {
	path string
	head entry
	// tried are the findings so far, made what was made, each as its kind and id; open is whether something may be there;
	// unanswered whether a thing may be there that no answer named.
	tried      []Finding
	made       []string
	open       bool
	ended      bool
	unanswered bool
}

// readJournal reads one that there may be. A last line that was cut off is left out.
func readJournal(path string) (j *journal, ok bool, err error) {
	text, err := os.ReadFile(path) //nolint:gosec // the file that a person names
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading the journal: %w", err)
	}
	j = &journal{path: path}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, len(text)+1)
	for lines.Scan() {
		var e entry
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			j.take(e)
		}
	}
	return j, j.head.Run != "", lines.Err()
}

func (j *journal) take(e entry) {
	switch {
	case e.Run != "":
		j.head, j.made = e, nil
	case e.Tried != nil:
		j.tried = append(j.tried, *e.Tried)
	case e.Making != "":
		j.open, j.unanswered = true, true
	case e.Made != "":
		j.made, j.unanswered = append(j.made, e.Made), false
	case e.Ended:
		j.ended = true
	case e.Removed:
		j.open, j.unanswered = false, false
	}
}

// begin makes a new journal.
func begin(path string, head entry) (*journal, error) {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return nil, fmt.Errorf("beginning the journal: %w", err)
	}
	j := &journal{path: path}
	return j, j.write(head)
}

func (j *journal) write(e entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(j.path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	_, err = file.Write(append(line, '\n'))
	if e.Making != "" || e.Run != "" {
		err = errors.Join(err, file.Sync())
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	j.take(e)
	return nil
}

// finding is what came of a probe before.
func (j *journal) finding(key string) (Finding, bool) {
	for _, f := range j.tried {
		if f.Key == key && f.Verdict != Untried {
			return f, true
		}
	}
	return Finding{}, false
}
