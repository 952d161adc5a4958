package main

import (
	"syscall"
	"testing"
	"time"

	"goldsmith/local/stack"
)

// A large fleet in fake time: what it takes of the machine is told, not asserted.
func TestRehearsal(t *testing.T) {
	begun := time.Now()
	var r rehearsal
	play(t, *rehearsed, 1000, stack.Options{KeepCalls: 1000}, func(n *night) {
		r = rehearsal{Sources: len(n.ids), Night: n.run.Stopped.Sub(n.run.Started).Round(time.Second).String()}
	})
	r.Seconds, r.CPUSeconds = time.Since(begun).Seconds(), cpu(t)
	// Without Linux's /proc there is no peak, and the table says so.
	if peak, err := peakOf("self"); err == nil {
		r.PeakMiB = peak
	}
	record(t, nightRehearsal, r)
}

// cpu is the time in seconds that this process has computed, in all its threads.
func cpu(t *testing.T) float64 {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}
