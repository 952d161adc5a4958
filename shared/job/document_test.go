package job_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"goldsmith/shared/job"
)

// What another release wrote passes, at any depth; what this one changes or takes away is changed.
func TestDocument(t *testing.T) {
	var d job.Document
	text := `{"run":{"name":"monday","scheduled":"2026-05-01T02:00:00Z","closes":"2026-05-01T03:00:00Z","plan":"nightly"},
		"source":{"id":"i-1","host":"h-1"},"image":{"id":"ami-1","state":"pending","share":{"done":true}},
		"await":{"resource":"i-1","for":"stopped","until":"2026-05-01T03:00:00Z"},"lane":false,"warnings":[{"code":"x","text":"y","more":1}]}`
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	d.Image.State, d.Await = "available", nil
	d.Image.Snapshots = []string{"snap-1"}
	got := decoded(t, d)
	want := decoded(t, d.Job)
	want["lane"] = false
	want["source"].(map[string]any)["host"] = "h-1"
	want["image"].(map[string]any)["share"] = map[string]any{"done": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got["await"] != nil || got["image"].(map[string]any)["state"] != "available" {
		t.Errorf("what was changed is not: %v", got)
	}
}

// A job that this release wrote is read and written as any job, whatever stands in it.
func TestDocumentOfItsOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := job.Job{
			Execution: rapid.String().Draw(t, "execution"), Back: rapid.Bool().Draw(t, "back"),
			Source: job.Source{ID: rapid.String().Draw(t, "id"),
				Tags: rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "tags")},
			Image: job.Image{State: rapid.String().Draw(t, "state")},
		}
		text, err := json.Marshal(job.Document{Job: j})
		if err != nil {
			t.Fatal(err)
		}
		var d job.Document
		if err := json.Unmarshal(text, &d); err != nil || d.Text != nil {
			t.Fatalf("%v, kept %s", err, d.Text)
		}
		plain, _ := json.Marshal(j)
		if again, _ := json.Marshal(d); string(again) != string(plain) {
			t.Errorf("%s is written as %s", plain, again)
		}
	})
}

func decoded(t *testing.T, v any) map[string]any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}
