package contract

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Decisions are numbered without a gap, each number once, and a page begins with its own.
func TestDecisionsAreNumbered(t *testing.T) {
	pages, err := filepath.Glob("../../docs/decisions/*.md") // the first is the template
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) < 40 {
		t.Fatalf("only %d decisions were found", len(pages))
	}
	for n, page := range pages {
		want, name := fmt.Sprintf("%04d", n), filepath.Base(page)
		if !strings.HasPrefix(name, want+"-") {
			t.Fatalf("%s is in the place of %s", name, want)
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 && !strings.HasPrefix(string(text), "# "+want+". ") {
			t.Errorf("%s begins with another number than its own", name)
		}
	}
}
