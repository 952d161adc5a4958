package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"time"
)

// machine is what the figures were measured on.
type machine struct {
	Go    string `json:"go"`
	OS    string `json:"os"`
	Arch  string `json:"arch"`
	Cores int    `json:"cores"`
	CPU   string `json:"cpu,omitempty"`
}

func thisMachine() machine {
	return machine{Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU(),
		CPU: processor()}
}

// processor is the CPU's name, where Linux tells it.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text), "model name")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.Trim(line, "\t :")
}

// loadNow is the load average over 1, 5 and 15 minutes, where Linux tells it.
func loadNow() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}

// suiteTime is how long `make test` took when it was last measured.
type suiteTime struct {
	At      time.Time `json:"at"`
	Machine machine   `json:"machine"`
	Load    string    `json:"load"`
	// Cold begins with an empty build cache; Warm runs every test again with a full one.
	Cold float64 `json:"coldSeconds"`
	Warm float64 `json:"warmSeconds"`
}

// suiteFile keeps the last measurement of `make test` with the source, since it
// takes minutes and is not made anew each time.
const suiteFile = "test/bench/suite.json"

// suite measures `make test` when it is asked for, or recalls the last time.
func (m *measured) suite(ctx context.Context, o options) error {
	if o.suite {
		if err := timeSuite(ctx); err != nil {
			return err
		}
	}
	text, err := os.ReadFile(suiteFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return cmp.Or(err, json.Unmarshal(text, &m.Suite))
}

func timeSuite(ctx context.Context) error {
	cache, err := os.MkdirTemp("", "bench-cache-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(cache) }()
	taken := suiteTime{At: time.Now().UTC(), Machine: thisMachine()}
	for _, seconds := range []*float64{&taken.Cold, &taken.Warm} {
		begun := time.Now()
		if err := command(ctx, []string{"GOCACHE=" + cache}, "make", "--no-print-directory", "test",
			"ARGS=-count=1"); err != nil {
			return err
		}
		*seconds = time.Since(begun).Seconds()
	}
	taken.Load = loadNow()
	text, err := json.MarshalIndent(taken, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(suiteFile, append(text, '\n'), 0o600)
}
