package usage_test

import (
	"os"
	"strings"
	"testing"

	"goldsmith/shared/usage"
)

// What is not looked at stands in the page that operators read.
func TestPlansPageSaysWhatIsNotLookedAt(t *testing.T) {
	page, err := os.ReadFile("../../docs/plans.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range usage.Unseen {
		if !strings.Contains(string(page), "\n- "+what+"\n") {
			t.Errorf("docs/plans.md does not say %q", what)
		}
	}
}
