package main

import (
	"archive/zip"
	"compress/flate"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// function is what one Lambda costs.
type function struct {
	Name   string  `json:"name"`
	ZipMB  float64 `json:"zipMB"` // of 1,000,000 bytes, from what `make build` made for arm64
	InitMs float64 `json:"initMs"`
	// OverMs is the median of the differences to the empty Lambda started in the same round.
	OverMs  float64 `json:"initOverEmptyMs"`
	PeakMiB float64 `json:"peakMiB,omitempty"`
	// Answered is what the event led to: "done" or the error's beginning.
	Answered string `json:"answered"`
}

// rounds is how often each function is started.
const rounds = 20

// empty is the name of the Lambda that does nothing.
const empty = "empty"

// measureLambdas builds every function for this machine and starts each of them.
func measureLambdas(ctx context.Context, folder string) ([]function, error) {
	paths, err := filepath.Glob("functions/*/lambda/main.go")
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("there is no functions/*/lambda/main.go here: %w", err)
	}
	names := []string{empty}
	for _, path := range paths {
		names = append(names, filepath.Base(filepath.Dir(filepath.Dir(path))))
	}
	for _, name := range names {
		if err := build(ctx, name, filepath.Join(folder, name)); err != nil {
			return nil, err
		}
	}
	inits, err := measureInits(ctx, folder, names)
	if err != nil {
		return nil, err
	}
	found := compare(names, inits)
	for i := range found {
		if found[i].ZipMB, err = zipped(filepath.Join("dist/functions", found[i].Name, "bootstrap")); err != nil &&
			found[i].Name != empty {
			return nil, err
		}
	}
	return found, measureMemory(ctx, folder, found)
}

// build makes a bootstrap as the Makefile does, but for this machine.
func build(ctx context.Context, name, to string) error {
	from := "./functions/" + name + "/lambda"
	if name == empty {
		from = "./test/bench/empty"
	}
	c := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-trimpath", "-buildvcs=false", "-ldflags",
		"-s -w -buildid=", "-o", to, from)
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOEXPERIMENT=")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w: %s", from, err, out)
	}
	return nil
}

// measureInits starts every function once a round, each round beginning with
// another one, so that what else the machine does meets all of them alike.
func measureInits(ctx context.Context, folder string, names []string) (map[string][]time.Duration, error) {
	plans, err := writePlans(folder)
	if err != nil {
		return nil, err
	}
	env := lambdaEnv("http://127.0.0.1:9", plans, "arn:aws:states:eu-central-1:123456789012:stateMachine:goldsmith")
	inits := map[string][]time.Duration{}
	for round := range rounds + 1 {
		for i := range names {
			name := names[(i+round)%len(names)]
			seen, err := start(ctx, filepath.Join(folder, name), env, nil)
			if err != nil {
				return nil, err
			}
			// The first round fills the caches.
			if round > 0 {
				inits[name] = append(inits[name], seen.init)
			}
		}
	}
	return inits, nil
}

func compare(names []string, inits map[string][]time.Duration) []function {
	var found []function
	for _, name := range names {
		over := make([]time.Duration, rounds)
		for round := range rounds {
			over[round] = inits[name][round] - inits[empty][round]
		}
		found = append(found, function{Name: name, InitMs: ms(median(inits[name])), OverMs: ms(median(over))})
	}
	return found
}

func median(of []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(of))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// zipped is the size of a bootstrap as a deployment package, in MB.
func zipped(path string) (float64, error) {
	bootstrap, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = bootstrap.Close() }()
	var size counter
	archive := zip.NewWriter(&size)
	archive.RegisterCompressor(zip.Deflate,
		func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.DefaultCompression) })
	entry, err := archive.Create("bootstrap")
	if err != nil {
		return 0, err
	}
	if _, err := io.Copy(entry, bootstrap); err != nil {
		return 0, err
	}
	if err := archive.Close(); err != nil {
		return 0, err
	}
	return float64(size) / 1e6, nil
}

// counter is a writer that keeps nothing but the number of bytes.
type counter int64

// Write counts.
func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}
