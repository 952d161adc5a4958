package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// The nights that are played, as their tests and their files of figures are called.
const (
	nightDelivered = "delivered"
	nightLost      = "lost"
	nightSlow      = "slow"
	nightThrottled = "throttled"
	nightRehearsal = "rehearsal"
	nightCopied    = "copied"
	nightFew       = "few"
	nightScripted  = "scripted"
	nightFrozen    = "frozen"
	nightSweep     = "sweep"
)

// spread is how a figure lies over a fleet.
type spread struct {
	Median float64 `json:"median"`
	Mean   float64 `json:"mean"`
	Max    float64 `json:"max"`
}

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	sorted, sum := slices.Sorted(slices.Values(values)), 0.0
	for _, v := range sorted {
		sum += v
	}
	return spread{Median: sorted[len(sorted)/2], Mean: sum / float64(len(sorted)), Max: sorted[len(sorted)-1]}
}

// delivered is a night in which every event arrives, without throttling.
type delivered struct {
	Sources int `json:"sources"`
	// Several is how many of them have more than one volume.
	Several int `json:"severalVolumes"`
	// Added is downtime in seconds beyond EC2's own: once with calls and functions
	// that answer at once, once with the latency that Latency says.
	Added   spread `json:"addedSeconds"`
	Latent  spread `json:"addedSecondsWithLatency"`
	Latency string `json:"latency"`
	// Calls are EC2, Auto Scaling and SSM calls of a source's own functions;
	// Shared is what the run's other calls come to for each image.
	Calls       spread             `json:"callsPerImage"`
	ByAction    map[string]float64 `json:"callsPerImageByAction"`
	Shared      map[string]float64 `json:"sharedCallsPerImageByFunction"`
	Transitions float64            `json:"transitionsPerImage"`
}

// lost is a night in which no event of EC2's or Tagging's arrives.
type lost struct {
	Sources int `json:"sources"`
	// Late is, by what is awaited, how many seconds after it came it was seen.
	Late map[string]spread `json:"lateSeconds"`
	// Heartbeat is, by what is awaited, the way from look to look in seconds: the
	// state's heartbeat, and the second before a retry that Step Functions takes at least.
	Heartbeat map[string]float64 `json:"heartbeatSeconds"`
	Added     spread             `json:"addedSeconds"`
}

// slow is the wait for an image that takes most of a day, no event arriving.
type slow struct {
	Sources   int     `json:"sources"`
	Hours     float64 `json:"hours"`
	PerMinute spread  `json:"describesPerMinute"`
	// Busiest is the most describes of one source in any minute, by what it waits for.
	Busiest     map[string]int `json:"busiestMinute"`
	Transitions float64        `json:"transitionsPerImage"`
	// Delivered are a source's API calls when every event does arrive.
	Delivered spread `json:"callsPerImageWithEvents"`
}

// throttled is a night under EC2's documented token buckets.
type throttled struct {
	Sources     int `json:"sources"`
	Concurrency int `json:"concurrency"`
	// Took is from the first claim to the last release; Bound is what an ideal
	// caller needs (bound.go), Floor what no schedule at all can beat.
	Took  float64 `json:"tookSeconds"`
	Bound float64 `json:"boundSeconds"`
	Floor float64 `json:"floorSeconds"`
	// Refused are the calls that EC2 throttled, of all calls.
	Refused map[string]int `json:"refusedByAction"`
	Calls   int            `json:"calls"`
	Added   spread         `json:"addedSeconds"`
}

// Ratio is how much longer the night took than the bound.
func (n throttled) Ratio() float64 { return n.Took / n.Bound }

// RefusedShare is how many of all calls EC2 throttled.
func (n throttled) RefusedShare() float64 {
	refused := 0
	for _, times := range n.Refused {
		refused += times
	}
	return float64(refused) / float64(max(1, n.Calls))
}

// scripted is a fleet imaged by a script, or by Goldsmith beside it.
type scripted struct {
	Name string `json:"name"`
	// Down is the downtime in seconds, and Calls are those of the cloud's services for each image, rolls left out.
	Down  spread  `json:"downtimeSeconds"`
	Calls float64 `json:"callsPerImage"`
	// Unsure is how many images were not sure to hold nothing of what was written after they were asked for: their
	// instance ran, or was started before each volume had its snapshot.
	Unsure int `json:"unsure"`
}

// frozen is a night in which every source is imaged as it runs while its data stands still.
type frozen struct {
	Sources int `json:"sources"`
	Several int `json:"severalVolumes"`
	// Frozen is for how many seconds a source's data stood still; After is how many of them came once its last snapshot had
	// been seen.
	Frozen      spread  `json:"frozenSeconds"`
	After       spread  `json:"afterSnapshotsSeconds"`
	Transitions float64 `json:"transitionsPerImage"`
}

// sweep is what a sweep asks for, with more and more runs behind it.
type sweep struct {
	Sources int `json:"sources"`
	Runs    int `json:"runs"`
	// Calls are a sweep's to all services but Step Functions, of which it lists the runs of five days; by half day.
	Calls []spread `json:"callsByHalfDay"`
}

// early and late are the second half day and the last: in the first one there is little to sweep.
func (s sweep) early() spread { return s.half(1) }
func (s sweep) late() spread  { return s.half(len(s.Calls) - 1) }

func (s sweep) half(n int) spread {
	if n < 0 || n >= len(s.Calls) {
		return spread{} // not played
	}
	return s.Calls[n]
}

// constant reports whether the runs behind a sweep cost it nothing: a tag or two more or less is chance.
func (s sweep) constant() bool {
	return s.late().Max <= s.early().Max+1 && s.late().Mean < s.early().Mean+1
}

// copied is a night in which each image is copied and the copies are shared, beside the same night without.
type copied struct {
	Sources int `json:"sources"`
	Regions int `json:"regions"`
	// ByAction are the calls of function copy to EC2 for each copy.
	ByAction map[string]float64 `json:"callsPerCopyByAction"`
	// Minutes is how long after its source was released a copy is seen to be there.
	Minutes spread `json:"minutesAfterRelease"`
	// Down and Released are the downtime, and the way from the claim to the release, with copies less those without.
	Down     spread `json:"downtimeSecondsMore"`
	Released spread `json:"releasedSecondsLater"`
	// Transitions are those of the run with copies less those without, for each image.
	Transitions float64 `json:"transitionsMore"`
	// Ahead are the calls of the run before its first source is claimed that are about copies, however many sources.
	Ahead float64 `json:"callsAhead"`
}

// rehearsal is a large fleet in fake time, as the machine sees it.
type rehearsal struct {
	Sources int     `json:"sources"`
	Seconds float64 `json:"wallSeconds"`
	// CPUSeconds is what all threads took together, which other work on the machine hardly changes.
	CPUSeconds float64 `json:"cpuSeconds"`
	PeakMiB    float64 `json:"peakMiB"`
	Night      string  `json:"night"`
}

// keep writes a night's figures into a folder; no folder, no file.
func keep(folder, name string, figures any) error {
	if folder == "" {
		return nil
	}
	text, err := json.MarshalIndent(figures, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the figures of %s: %w", name, err)
	}
	return os.WriteFile(filepath.Join(folder, name+".json"), append(text, '\n'), 0o600)
}
