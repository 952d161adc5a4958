package ledger_test

import (
	"fmt"
	"slices"
	"testing"

	"goldsmith/shared/ledger"
)

// Who had a name is remembered each once, the latest last, for a long time and not for ever.
func TestOwnersBefore(t *testing.T) {
	for name, c := range map[string]struct {
		before ledger.Owner
		want   []string
	}{
		"none":              {ledger.Owner{}, nil},
		"another":           {ledger.Owner{Lineage: "i-1"}, []string{"i-1"}},
		"another of many":   {ledger.Owner{Lineage: "i-2", Former: []string{"i-0", "i-1"}}, []string{"i-0", "i-1", "i-2"}},
		"one that had it":   {ledger.Owner{Lineage: "i-1", Former: []string{"i-1", "i-0"}}, []string{"i-1", "i-0"}},
		"itself, once more": {ledger.Owner{Lineage: "i-9", Former: []string{"i-1"}}, []string{"i-1"}},
	} {
		c.before.Revision = "known"
		former := slices.Clone(c.before.Former)
		got := ledger.Owner{Lineage: "i-9"}.After(c.before)
		if !slices.Equal(got.Former, c.want) || got.Revision != "known" || got.Lineage != "i-9" {
			t.Errorf("%s: %+v", name, got)
		}
		if !slices.Equal(c.before.Former, former) {
			t.Errorf("%s: the owner before was changed", name)
		}
	}
	var o ledger.Owner
	for n := range 2000 {
		o = ledger.Owner{Lineage: fmt.Sprint("i-", n)}.After(o)
	}
	if len(o.Former) != 500 || o.Former[499] != "i-1998" {
		t.Errorf("%d are remembered, the latest %s", len(o.Former), o.Former[len(o.Former)-1])
	}
}
