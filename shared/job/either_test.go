package job_test

import (
	"encoding/json"
	"testing"

	"goldsmith/shared/job"
)

// A document is read as that of the scope that it comes from, and written as one.
func TestEither(t *testing.T) {
	one, run := job.Job{Source: job.Source{ID: "i-1"}}, job.Batch{Sources: []job.Source{{ID: "i-1"}}}
	for _, want := range []job.Either{{Job: &one}, {Batch: &run}} {
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got job.Either
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if (got.Job == nil) != (want.Job == nil) || (got.Batch == nil) != (want.Batch == nil) {
			t.Errorf("%s is read as %+v", text, got)
		}
	}
	if _, err := json.Marshal(job.Either{}); err == nil {
		t.Error("what is neither has a document")
	}
}
