package bound_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"pgregory.net/rapid"

	"goldsmith/shared/bound"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
)

const (
	machine = "arn:aws:states:eu-central-1:123456789012:stateMachine:goldsmith"
	child   = "arn:aws:states:eu-central-1:123456789012:execution:goldsmith/source:1"
)

// seen is an instance as EC2 shows it.
func seen(id string, state types.InstanceStateName, tagged string, launched time.Time) types.Instance {
	return types.Instance{
		InstanceId: aws.String(id), State: &types.InstanceState{Name: state}, LaunchTime: aws.Time(launched),
		Tags: []types.Tag{{Key: aws.String(tag.Stopped), Value: aws.String(tagged)}},
	}
}

// world is what may be of one instance, drawn at random.
type world struct {
	state             types.InstanceStateName
	tagged            string
	slot              ledger.SlotKind // "" for none
	claim             string          // "", "stopped", "before", "started since", "unstopped"
	elsewhere         bool            // slot and claim are another source's
	memory            *ledger.Memory
	id                string
	launched, stopped time.Time
}

func draw(r *rapid.T) world {
	w := world{memory: ledger.NewMemory(), id: "i-1", launched: night.Add(-time.Hour), stopped: night}
	w.state = rapid.SampledFrom([]types.InstanceStateName{"running", "stopped", "stopping", "pending", "terminated",
		"shutting-down"}).Draw(r, "state")
	w.tagged = rapid.SampledFrom([]string{child, child, "", "yes",
		strings.Replace(child, "goldsmith/", "goldsmiths/", 1)}).
		Draw(r, "tag")
	w.slot = rapid.SampledFrom([]ledger.SlotKind{"", ledger.Places, ledger.Downs, ledger.Exempt, ledger.Turns,
		ledger.Stops}).
		Draw(r, "slot")
	w.claim = rapid.SampledFrom([]string{"", "stopped", "before", "started since", "unstopped"}).Draw(r, "claim")
	w.elsewhere = rapid.Bool().Draw(r, "elsewhere")
	return w
}

// write writes down what the ledger knows.
func (w *world) write(r *rapid.T) {
	of := w.id
	if w.elsewhere {
		of = "i-2"
	}
	if w.slot != "" {
		s := ledger.Slot{Plan: "nightly", Kind: w.slot, ID: "1", Source: of, Run: "r"}
		if _, err := w.memory.Take(r.Context(), s, time.Time{}); err != nil {
			r.Fatal(err)
		}
	}
	c := ledger.Claim{Source: of, Run: "r", Looked: true, WasRunning: true}
	switch w.claim {
	case "":
		return
	case "stopped":
		c.StopSent = w.stopped
	case "before":
		c.WasRunning = false
	case "started since":
		c.StopSent, w.launched = w.stopped, w.stopped.Add(time.Minute)
	case "unstopped": // As after the table was put back.
	}
	if _, err := w.memory.Claim(r.Context(), c); err != nil {
		r.Fatal(err)
	}
}

// Whatever the ledger knows: an instance that carries our tag and is down counts as lost unless a slot says that it may
// be down, or a claim that its run does not keep it so.
func TestLost(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := draw(r)
		w.write(r)
		lost, err := bound.Lost(r.Context(), w.memory, machine, []types.Instance{seen(w.id, w.state, w.tagged, w.launched)})
		if err != nil {
			r.Fatal(err)
		}
		down := slices.Contains([]types.InstanceStateName{"stopped", "stopping", "pending"}, w.state)
		placed := slices.Contains([]ledger.SlotKind{ledger.Places, ledger.Downs, ledger.Exempt}, w.slot)
		explained := placed || w.claim == "before" || w.claim == "started since"
		if want := down && w.tagged == child && (w.elsewhere || !explained); (len(lost) == 1) != want {
			r.Fatalf("lost is %t, want %t", len(lost) == 1, want)
		}
	})
}

// What cannot be read is no answer.
func TestLostUnread(t *testing.T) {
	down := []types.Instance{seen("i-1", "stopped", child, night)}
	for _, memory := range []broken{{slots: true}, {claims: true}} {
		if _, err := bound.Lost(t.Context(), memory, machine, down); !errors.Is(err, errBroken) {
			t.Errorf("%+v: %v", memory, err)
		}
	}
}

// A reason names ten at most.
func TestHeldNames(t *testing.T) {
	var down []types.Instance
	for n := range 12 {
		down = append(down, seen(fmt.Sprintf("i-%02d", n), "stopped", child, night))
	}
	r := bound.Held(down)
	if r.Code != job.LedgerLost || !strings.Contains(r.Text, "i-09 and 2 more") || strings.Contains(r.Text, "i-10") {
		t.Error(r.Text)
	}
	if few := bound.Held(down[:2]); !strings.Contains(few.Text, "i-00, i-01. ") {
		t.Error(few.Text)
	}
}

// A place that is written down anew counts like any other, and takes none of those from another.
func TestPlaceAnew(t *testing.T) {
	memory := ledger.NewMemory()
	j := job.Job{Run: job.Run{Plan: "nightly", Name: "run-i-0"}, Source: job.Source{ID: "i-0"}, Execution: child}
	for range 2 { // Twice is once.
		if err := bound.PlaceAnew(t.Context(), memory, j, night); err != nil {
			t.Fatal(err)
		}
	}
	if got := place(t, memory, ask("i-1", 1, night)); got.Place != "" || got.Before != 1 {
		t.Errorf("i-0 is down, and i-1 got %+v", got)
	}
	if got := place(t, memory, ask("i-2", 3, night)); got.Place == "" || strings.Contains(got.Place, "anew") {
		t.Errorf("one of three is down, and i-2 got %+v", got)
	}
	for s, err := range memory.Slots(t.Context(), "nightly") {
		if err != nil || bound.WrittenAnew(s) != (s.Source == "i-0") {
			t.Errorf("%+v %v", s, err)
		}
	}
}
