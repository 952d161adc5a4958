package contract

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestWords: every room that docs/words.md names is there, and each word has one row.
func TestWords(t *testing.T) {
	page, err := os.ReadFile("../../docs/words.md")
	if err != nil {
		t.Fatal(err)
	}
	rooms := regexp.MustCompile("`((?:shared|functions|infra)/[^`]+)`").FindAllSubmatch(page, -1)
	if len(rooms) == 0 {
		t.Fatal("docs/words.md names no room")
	}
	for _, room := range rooms {
		if _, err := os.Stat(filepath.Join("../..", string(room[1]))); err != nil {
			t.Errorf("docs/words.md: %v", err)
		}
	}
	seen := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([^|]+) \|`).FindAllSubmatch(page, -1) {
		if word := string(row[1]); seen[word] {
			t.Errorf("docs/words.md has two rows of %q", word)
		}
		seen[string(row[1])] = true
	}
}
