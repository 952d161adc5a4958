package breaker_test

import (
	"slices"
	"testing"
	"time"

	"goldsmith/shared/breaker"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// What EC2 says decides what is held back meanwhile: its own host, or its type in its zone, in any plan; its plan; or
// everything.
func TestWhatIsHeldBack(t *testing.T) {
	down := ledger.Claim{Source: "i-1", Name: "web", Plan: "nightly", InstanceType: "m5.large", Zone: "eu-central-1a",
		Host: "h-1", StopSent: time.Date(2000, 1, 1, 0, 30, 0, 0, time.UTC)}
	others := map[string]job.Job{
		"itself":             of("i-1", "nightly", "m5.large", "eu-central-1a", "h-1"),
		"its plan":           of("i-2", "nightly", "t3.micro", "eu-central-1b", ""),
		"its pool":           of("i-3", "weekly", "m5.large", "eu-central-1a", "h-2"),
		"its type elsewhere": of("i-4", "weekly", "m5.large", "eu-central-1b", ""),
		"its host":           of("i-5", "weekly", "c5.large", "eu-central-1a", "h-1"),
		"nothing alike":      of("i-6", "weekly", "t3.micro", "eu-central-1b", ""),
	}
	every := []string{"its host", "its plan", "its pool", "its type elsewhere", "nothing alike"}
	for code, want := range map[string][]string{
		"UnauthorizedOperation":             every,
		"Client.InternalError":              every,
		"VcpuLimitExceeded":                 every,
		"Transient":                         every,
		"InsufficientInstanceCapacity":      {"its pool"},
		"ReservationCapacityExceeded":       {"its pool"},
		"InsufficientCapacityOnHost":        {"its host"},
		"InsufficientHostCapacity":          {"its host"},
		"InsufficientFreeAddressesInSubnet": {"its plan"},
		"FellBack":                          {"its plan"},
		"":                                  {"its plan"},
	} {
		down.RefusedBy = code
		var held []string
		for which, j := range others {
			if block, _ := breaker.Standing([]breaker.Block{breaker.Of(down)}, j); block != nil {
				held = append(held, which)
			}
		}
		if slices.Sort(held); !slices.Equal(held, want) {
			t.Errorf("%q holds back %q, want %q", code, held, want)
		}
	}
}

func of(id, plan, kind, zone, host string) job.Job {
	return job.Job{Run: job.Run{Plan: plan},
		Source: job.Source{ID: id, InstanceType: kind, Zone: zone, Host: host}}
}

// A source whose claim and mark both cannot be read is told without a moment.
func TestWhyWithoutAMoment(t *testing.T) {
	b := breaker.Of(ledger.Claim{Source: "i-1", Problem: "its claim cannot be read"})
	if got, want := b.Why(), "i-1 is down: its claim cannot be read"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
