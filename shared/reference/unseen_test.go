package reference_test

import (
	"os"
	"strings"
	"testing"

	"goldsmith/shared/reference"
)

// What is not looked at stands in the page that operators read.
func TestPlansPageSaysWhatIsNotLookedAt(t *testing.T) {
	page, err := os.ReadFile("../../docs/plans.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range reference.Unseen {
		if !strings.Contains(string(page), "\n- "+what+"\n") {
			t.Errorf("docs/plans.md does not say %q", what)
		}
	}
}
