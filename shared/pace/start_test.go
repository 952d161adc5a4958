package pace_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/shared/fault"
	"goldsmith/shared/ledger"
	"goldsmith/shared/pace"
	"goldsmith/test/steptest"
)

// starts is a fleet of stopped instances, each of which is started by a call of the function of its own.
type starts struct {
	*steptest.Stage
	ids   []string
	mu    sync.Mutex
	took  map[string]time.Duration
	wrong map[string]error
}

func newStarts(t *testing.T, n int) *starts {
	s := &starts{Stage: steptest.New(t), took: map[string]time.Duration{}, wrong: map[string]error{}}
	for i := range n {
		id := s.Launch(fmt.Sprintf("app-%d", i), nil)
		s.Set(id, ec2.Stopped)
		s.ids = append(s.ids, id)
	}
	return s
}

// start asks for an instance to be started, and again for what EC2 was too busy for or does not say, as the state
// machine does.
func (s *starts) start(id string) {
	begun := time.Now()
	var err error
	for range 20 {
		_, err = pace.Starter{EC2: s.EC2, Ledger: s.Ledger, Now: time.Now}.Start(s.Context(),
			ledger.Slot{Source: id, Run: "nightly-1", Name: id})
		if !fault.IsThrottled(err) && !errors.As(err, new(*fault.Transient)) {
			break
		}
		time.Sleep(2 * time.Second)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.took[id], s.wrong[id] = time.Since(begun), err
}

// all starts the fleet, each instance within so long after the first.
func (s *starts) all(draw *rand.Rand, within time.Duration) {
	var group sync.WaitGroup
	for _, id := range s.ids {
		after := time.Duration(draw.Int64N(int64(within)))
		group.Go(func() {
			time.Sleep(after)
			s.start(id)
		})
	}
	group.Wait()
}

// calls are those of StartInstances.
func (s *starts) calls() (n int) {
	for _, c := range s.Calls() {
		if c == "StartInstances" {
			n++
		}
	}
	return n
}

func (s *starts) waiting() (n int) {
	for _, err := range s.Ledger.Kept.Slots(s.Context(), ledger.EveryPlan) {
		s.Must(err)
		n++
	}
	return n
}

func worlds(t *testing.T, n uint64, play func(t *testing.T, draw *rand.Rand)) {
	t.Helper()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	for seed := range n {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { play(t, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

// However many are to be started at the same time, each is within a second and a half, by two calls a second.
func TestStartTogether(t *testing.T) {
	worlds(t, 30, func(t *testing.T, draw *rand.Rand) {
		n, within := 1+draw.IntN(60), time.Duration(1+draw.IntN(10_000))*time.Millisecond
		s := newStarts(t, n)
		begun := time.Now()
		s.all(draw, within)
		most := 4 + int(2*time.Since(begun).Seconds()) + 1 + n/50
		if s.calls() > most {
			t.Errorf("%d calls for %d instances within %s, want at most %d", s.calls(), n, within, most)
		}
		for _, id := range s.ids {
			if state := s.Cloud.State(id); state == ec2.Stopped || s.wrong[id] != nil || s.took[id] > 1500*time.Millisecond {
				t.Errorf("%s is %s after %s: %v", id, state, s.took[id], s.wrong[id])
			}
		}
		if s.waiting() > 0 {
			t.Errorf("%d still wait", s.waiting())
		}
	})
}

// One that cannot be started keeps no other down, and is told for what it is.
func TestStartTogetherWithOneThatCannot(t *testing.T) {
	codes := []string{"InsufficientInstanceCapacity", "IncorrectInstanceState", "UnauthorizedOperation", "InternalError",
		"InvalidInstanceID.NotFound"}
	worlds(t, 40, func(t *testing.T, draw *rand.Rand) {
		n := 2 + draw.IntN(20)
		s, spoiled := newStarts(t, n), map[string]string{}
		for range 1 + draw.IntN(2) {
			id, code := s.ids[draw.IntN(n)], codes[draw.IntN(len(codes))]
			if spoiled[id] == "" {
				spoiled[id] = code
				s.Cloud.Inject(ec2.Fault{Action: "StartInstances", Resource: id, Code: code})
			}
		}
		s.all(draw, time.Duration(1+draw.IntN(3000))*time.Millisecond)
		s.startedBut(spoiled)
	})
}

// startedBut wants all to be started but those that EC2 refuses with a code.
func (s *starts) startedBut(spoiled map[string]string) {
	s.Helper()
	for _, id := range s.ids {
		state, is := s.Cloud.State(id), spoiled[id] != ""
		if is && (state != ec2.Stopped || fault.Code(s.wrong[id]) != spoiled[id]) {
			s.Errorf("%s, which cannot be started (%s), is %s: %v", id, spoiled[id], state, s.wrong[id])
		}
		if !is && (state == ec2.Stopped || s.wrong[id] != nil || s.took[id] > 15*time.Second) {
			s.Errorf("%s is %s after %s: %v", id, state, s.took[id], s.wrong[id])
		}
	}
}

// Whatever the ledger does not answer or loses, and EC2 refuses for a while or does not say, all are started.
func TestStartTogetherDisturbed(t *testing.T) {
	worlds(t, 100, func(t *testing.T, draw *rand.Rand) {
		s := newStarts(t, 2+draw.IntN(12))
		s.disturbLedger(draw)
		s.disturbEC2(draw)
		s.all(draw, time.Duration(1+draw.IntN(3000))*time.Millisecond)
		for _, id := range s.ids {
			if state := s.Cloud.State(id); state == ec2.Stopped || s.wrong[id] != nil || s.took[id] > time.Minute {
				t.Errorf("%s is %s after %s: %v", id, state, s.took[id], s.wrong[id])
			}
		}
	})
}

func (s *starts) disturbLedger(draw *rand.Rand) {
	for _, method := range []string{"Reserve", "Slots", "Take", "Free"} {
		switch draw.IntN(4) {
		case 0:
			s.Ledger.Break(method, 1+draw.IntN(8))
		case 1:
			s.Ledger.Lose(method, 1+draw.IntN(3))
		}
	}
	if draw.IntN(3) == 0 { // A function whose clock is ahead.
		s.reserved(time.Now().Add(time.Duration(1+draw.IntN(100)) * 6 * time.Second))
	}
	if draw.IntN(3) == 0 {
		s.emptied(draw)
	}
}

func (s *starts) disturbEC2(draw *rand.Rand) {
	if draw.IntN(2) == 0 {
		s.Cloud.Inject(ec2.Fault{Action: "StartInstances", PerSecond: 1, Until: time.Now().Add(10 * time.Second)})
	}
	if draw.IntN(3) == 0 {
		s.Cloud.Inject(ec2.Fault{Action: "StartInstances", Nth: []int{1 + draw.IntN(4)}, Drop: true})
	}
	for range draw.IntN(4) {
		s.Cloud.Inject(ec2.Fault{Action: "StartInstances", Resource: s.ids[draw.IntN(len(s.ids))], Times: 1, Unnamed: true})
	}
}

// reserved takes a moment of StartInstances by a clock.
func (s *starts) reserved(now time.Time) {
	_, _, err := s.Ledger.Kept.Reserve(s.Context(),
		ledger.Row{Name: "StartInstances", Every: time.Second / 2, Burst: 4}, now, 0)
	s.Must(err)
}

// emptied has the ledger lose who waits, again and again.
func (s *starts) emptied(draw *rand.Rand) {
	for range 40 {
		time.AfterFunc(time.Duration(draw.IntN(4000))*time.Millisecond, func() {
			for each, err := range s.Ledger.Kept.Slots(s.Context(), ledger.EveryPlan) {
				if err == nil && draw.IntN(3) > 0 {
					_ = s.Ledger.Kept.Free(s.Context(), each)
				}
			}
		})
	}
}

// hung is a ledger that does not answer from a method on.
type hung struct {
	pace.Waiting
	from string
}

func (h hung) Reserve(ctx context.Context, r ledger.Row, now time.Time,
	patience time.Duration) (time.Time, bool, error) {
	if h.from == "Reserve" {
		<-ctx.Done()
		return now, false, ctx.Err()
	}
	return h.Waiting.Reserve(ctx, r, now, patience)
}

func (h hung) Take(ctx context.Context, _ ledger.Slot, _ time.Time) (bool, error) {
	<-ctx.Done()
	return false, ctx.Err()
}

func (h hung) Free(ctx context.Context, _ ledger.Slot) error {
	<-ctx.Done()
	return ctx.Err()
}

// A ledger that never answers leaves the function's minute to the start.
func TestStartWithALedgerThatHangs(t *testing.T) {
	for _, from := range []string{"Reserve", "Take", "Free"} {
		synctest.Test(t, func(t *testing.T) {
			s := newStarts(t, 2)
			if from == "Take" {
				s.reserved(time.Now().Add(time.Second))
			}
			_, err := s.Ledger.Kept.Take(t.Context(), ledger.Slot{Plan: ledger.EveryPlan, Kind: ledger.Starts, ID: s.ids[1],
				Source: s.ids[1], Run: "nightly-1", Since: time.Now()}, time.Time{})
			s.Must(err)
			ctx, cancel := context.WithTimeout(t.Context(), 35*time.Second) // after a look of 25 seconds
			defer cancel()
			_, err = pace.Starter{EC2: s.EC2, Ledger: hung{s.Ledger, from}, Now: time.Now}.Start(ctx,
				ledger.Slot{Source: s.ids[0], Run: "nightly-1"})
			if err != nil || s.Cloud.State(s.ids[0]) == ec2.Stopped {
				t.Errorf("%s: it is %s: %v", from, s.Cloud.State(s.ids[0]), err)
			}
		})
	}
}

// A start that nobody waits for any more is sent by nobody else: somebody may have stopped the instance since.
func TestStartLeavesWhatIsAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStarts(t, 2)
		_, err := s.Ledger.Kept.Take(t.Context(), ledger.Slot{Plan: ledger.EveryPlan, Kind: ledger.Starts, ID: s.ids[0],
			Source: s.ids[0], Run: "nightly-0", Since: time.Now()}, time.Time{})
		s.Must(err)
		time.Sleep(time.Minute)
		s.start(s.ids[1])
		if state := s.Cloud.State(s.ids[0]); state != ec2.Stopped || s.Cloud.State(s.ids[1]) == ec2.Stopped {
			t.Errorf("what was abandoned is %s", state)
		}
		s.start(s.ids[0]) // Another run asks for it: what is written down of the one before is in nobody's way.
		if state := s.Cloud.State(s.ids[0]); state == ec2.Stopped || s.waiting() > 1 {
			t.Errorf("it is %s, and %d wait", state, s.waiting())
		}
	})
}

// A function whose time is over says so, and does not wait for its moment.
func TestStartWithoutTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStarts(t, 1)
		for range 30 {
			_, _, err := s.Ledger.Kept.Reserve(t.Context(), ledger.Row{Name: "StartInstances", Every: time.Second / 2, Burst: 4},
				time.Now(), time.Hour)
			s.Must(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		begun := time.Now()
		_, err := pace.Starter{EC2: s.EC2, Ledger: s.Ledger, Now: time.Now}.Start(ctx,
			ledger.Slot{Source: s.ids[0], Run: "nightly-1"})
		if err == nil || time.Since(begun) > time.Second {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
	})
}
