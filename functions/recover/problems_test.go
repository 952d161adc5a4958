package recovery_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// The same trouble with many sources is one message: it names five, counts the others, and says what to look at.
// Another kind of trouble is another message; while it lasts neither comes again.
func TestTroubleWithManyIsToldOnce(t *testing.T) {
	for code, do := range map[string]string{
		"AccessDeniedException": "Now: See what denies goldsmith-recover that call",
		"ValidationException":   "Now: Look for the cause in the log of goldsmith-recover",
	} {
		for many, more := range map[int]string{5: "", 6: "1 more of the same kind", 8: "3 more of the same kind"} {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				for n := range many {
					id := s.Launch(fmt.Sprint("web-", n), nil)
					s.Hold(ledger.Claim{Source: id, Run: steptest.RunName, Execution: executionARN + "asked", Since: time.Now()})
				}
				for range 2 {
					s.Refuse("DescribeExecution", code, many)
					s.Refuse("ListExecutions", "AccessDeniedException", 1)
					sweeps(s)
				}
				s.Same("messages", len(s.Slack.Messages()), 2)
				said := ""
				for _, m := range s.Slack.Messages() {
					if text := m.Terminal(false); strings.Contains(text, "asking about execution") {
						said = text
					}
				}
				s.Same("named", strings.Count(said, "recovering i-"), 5)
				s.Same("counted", strings.Contains(said, "more of the same kind"), more != "")
				s.Same("how many", strings.Contains(said, more), true)
				s.Same("what to do", strings.Contains(said, do), true)
			})
		}
	}
}
