package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"
)

//go:embed benchmarks.md.tmpl
var page string

// write leaves the figures for programs, and the page for people.
func (m *measured) write() error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "budgets.json"), append(text, '\n'), 0o600); err != nil {
		return err
	}
	written, err := m.page()
	if err != nil {
		return err
	}
	return os.WriteFile(document, written, 0o644)
}

func (m *measured) page() ([]byte, error) {
	filled, err := template.New("benchmarks").Funcs(template.FuncMap{
		"date": func(t time.Time) string { return t.Format("2006-01-02 15:04 UTC") },
		"cell": func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "|", `\|`)) },
	}).Parse(page)
	if err != nil {
		return nil, fmt.Errorf("reading the page's template: %w", err)
	}
	var out bytes.Buffer
	err = filled.Execute(&out, m)
	return out.Bytes(), err
}
