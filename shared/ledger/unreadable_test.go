package ledger

import (
	"errors"
	"testing"
)

// A claim that cannot be understood is named, and hides no other.
func TestUnreadable(t *testing.T) {
	m := NewMemory()
	for _, source := range []string{"i-1", "i-2", "i-3"} {
		if _, err := m.Claim(t.Context(), Claim{Source: source, Run: "monday"}); err != nil {
			t.Fatal(err)
		}
	}
	spoil := func(row, bool) (row, bool) { return row{holder: "monday", doc: `{"since":"once"}`}, true }
	if err := m.change(t.Context(), claimKey("i-2"), spoil); err != nil {
		t.Fatal(err)
	}
	var seen, spoilt []string
	for c, err := range m.Claims(t.Context()) {
		var unreadable *UnreadableError
		if errors.As(err, &unreadable) {
			spoilt = append(spoilt, c.Source)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, c.Source)
	}
	if len(seen) != 2 || len(spoilt) != 1 || spoilt[0] != "i-2" {
		t.Errorf("read %v, could not read %v", seen, spoilt)
	}
}
