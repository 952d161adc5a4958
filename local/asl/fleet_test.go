package asl

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// fleetDefinition runs 13 tasks, a wait and a choice for each item. The last state
// gives nothing back: the list of results counts towards the 256 KiB.
func fleetDefinition() string {
	var b strings.Builder
	b.WriteString(`{"StartAt":"M","States":{"M":{"Type":"Map","Label":"L","MaxConcurrency":1000,"OutputPath":null,"End":true,
		"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"S0","States":{`)
	for i := range 13 {
		fmt.Fprintf(&b, `"S%d":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","TimeoutSeconds":60,
			"Retry":[{"ErrorEquals":["States.ALL"]}],"Next":"S%d"},`, i, i+1)
	}
	b.WriteString(`"S13":{"Type":"Wait","Seconds":60,"Next":"S14"},"S14":{"Type":"Choice","Choices":[{"Variable":"$.id","IsPresent":true,"Next":"S15"}],"Default":"S15"},
		"S15":{"Type":"Pass","OutputPath":null,"End":true}}}}}}`)
	return b.String()
}

func fleetItems(n int) string {
	var items []string
	for i := range n {
		items = append(items, fmt.Sprintf(`{"id":"i-%017d"}`, i))
	}
	return "[" + strings.Join(items, ",") + "]"
}

// 10,000 children of 16 states stay small in memory.
func TestFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 10_000
		begun := time.Now()
		_, e := begin(t, fleetDefinition(), fleetItems(n), Options{})
		want(t, e, Succeeded, "")
		if got := e.Transitions(); got != 1+16*n {
			t.Errorf("%d transitions", got)
		}
		// Of each thousand a hundred start at once, and the others at a hundred a second.
		if d := time.Since(begun); d != n/1000*time.Minute+9*time.Second {
			t.Errorf("took %v of fake time", d)
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		runtime.KeepAlive(e)
		if m.HeapAlloc > 100<<20 {
			t.Errorf("%d MiB are kept", m.HeapAlloc>>20)
		}
		t.Logf("%d MiB kept, %d MiB from the system", m.HeapAlloc>>20, m.Sys>>20)
	})
}
