package prove_test

import (
	"flag"
	"os"
	"slices"
	"testing"

	"goldsmith/cmd/goldsmith/prove"
)

var update = flag.Bool("update", false, "write the page of what is not verified")

const pageFile = "../../../docs/unverified.md"

// The page is the rows.
func TestPage(t *testing.T) {
	rows, err := prove.Rows()
	if err != nil {
		t.Fatal(err)
	}
	want := prove.Page(rows)
	if *update {
		if err := os.WriteFile(pageFile, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(pageFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/unverified.md is not what rows.yaml says: go test ./cmd/goldsmith/prove -update")
	}
}

// Each row has a key of its own, and either a probe or one reason why there is none.
func TestRows(t *testing.T) {
	rows, err := prove.Rows()
	if err != nil {
		t.Fatal(err)
	}
	var keys, tried []string
	for _, r := range rows {
		if slices.Contains(keys, r.Key) || slices.Contains([]string{r.Key, r.Assumed, r.Where, r.Otherwise}, "") {
			t.Errorf("%q is not a whole row of its own", r.Key)
		}
		keys = append(keys, r.Key)
		hows := slices.DeleteFunc([]string{r.Tried, r.Unwritten, r.Impossible}, func(text string) bool { return text == "" })
		if len(hows) != 1 {
			t.Errorf("%s has %d of tried, unwritten and impossible", r.Key, len(hows))
		}
		if r.Tried != "" {
			tried = append(tried, r.Key)
		}
	}
	slices.Sort(tried)
	if probes := slices.Sorted(slices.Values(prove.Keys())); !slices.Equal(tried, probes) {
		t.Errorf("tried are %v, and there are probes of %v", tried, probes)
	}
}
