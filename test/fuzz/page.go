package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// page is where the counts are kept.
const page = "docs/fuzzing.md"

const head = "# Fuzzing\n\nEach target is given inputs that the go command makes up: whatever they are, it neither " +
	"panics nor hangs, and what it\nsays of them holds. What each has executed last is written here by " +
	"`make fuzz FUZZTIME=60s " +
	"ARGS=-write` (`-only shared/disk`\nruns some of them). A target of which nothing is counted was not run.\n\n" +
	"| target | time | executions | new inputs |\n|---|---|---|---|\n"

// written is the page.
func written(targets []target, counts map[string]count) string {
	var b strings.Builder
	b.WriteString(head)
	for _, t := range targets {
		c := counts[t.String()]
		fmt.Fprintf(&b, "| `%s` | %s | %d | %d |\n", t, c.long, c.executions, c.found)
	}
	return b.String()
}

// read are the counts on a page; none where there is no page.
func read(path string) (map[string]count, error) {
	counts := map[string]count{}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return counts, nil
	} else if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		name, rest, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "` | ")
		if !ok || !strings.HasPrefix(line, "| `") {
			continue
		}
		var c count
		var long string
		if _, err := fmt.Sscanf(rest, "%s | %d | %d |", &long, &c.executions, &c.found); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", path, line, err)
		}
		if c.long, err = time.ParseDuration(long); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", path, line, err)
		}
		counts[name] = c
	}
	return counts, nil
}

// tests are the module's test files, in order.
func tests(root string) (files []string, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "dist"):
			return fs.SkipDir
		case strings.HasSuffix(name, "_test.go"):
			files = append(files, path)
		}
		return nil
	})
	return files, err
}

func folderOf(root, file string) string {
	folder, err := filepath.Rel(root, filepath.Dir(file))
	if err != nil {
		return filepath.Dir(file) // Both are relative.
	}
	return filepath.ToSlash(folder)
}
