package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
)

// servedLoad is how a served suite stood 60,000 calls of 500 clients at once, beside 200 that stalled.
type servedLoad struct {
	CallsPerSecond float64 `json:"callsPerSecond"`
	KeptMiB        float64 `json:"keptMiB"`
}

var benchmarkLine = regexp.MustCompile(`([0-9.]+) MiB-kept\s+([0-9.]+) calls/s`)

// serve runs the benchmark that holds the bounds; it fails when memory grows with the calls.
func (m *measured) serve(ctx context.Context, _ options) error {
	c := exec.CommandContext(ctx, "go", "test", "./local/serve", "-run", "^$", "-bench", "^BenchmarkLoad$", "-benchtime",
		"1x", "-timeout", "10m")
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return fmt.Errorf("%w:\n%s", err, out)
	}
	found := benchmarkLine.FindSubmatch(out)
	if found == nil {
		return fmt.Errorf("the benchmark tells no figures:\n%s", out)
	}
	if m.Served.KeptMiB, err = strconv.ParseFloat(string(found[1]), 64); err != nil {
		return err
	}
	m.Served.CallsPerSecond, err = strconv.ParseFloat(string(found[2]), 64)
	return err
}
