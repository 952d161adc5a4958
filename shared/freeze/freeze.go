// Package freeze knows the commands by which a running instance brings its data to rest for an image, and lets it go
// on: one script, which is sent by the suite's document. A watchdog of the instance's own ends what nobody ends.
package freeze

import (
	_ "embed"
	"fmt"
	"time"

	"goldsmith/shared/plan"
)

//go:embed freeze.sh
var script string

// Commands are what is run around the image of a plan's source in a run: what freezes and thaws it, or the plan's
// hooks.
func Commands(p plan.Plan, run string) plan.Hooks {
	if p.Consistency != plan.Frozen {
		return p.Hooks
	}
	limit := p.Freeze.Lasts()
	return plan.Hooks{
		Before: text(run, fmt.Sprintf("do=freeze run=%s limit=%d kind=%s", run, int(limit/time.Second), p.Freeze.What())),
		After:  Thaw(run), Timeout: plan.Duration(limit), OnFailure: p.Failing(),
	}
}

// Thaw lets go on what a run has frozen, whatever its plan says by then.
func Thaw(run string) string { return text(run, "do=thaw run="+run) }

// text puts the script where it can be run again, by the watchdog, and runs it: a whole one, and never one that a shell
// is reading. Run names have no characters that a
// shell would take for anything (job.RunName).
func text(run, words string) string {
	return fmt.Sprintf(`set -e
umask 077
mkdir -p /run/goldsmith
cat >/run/goldsmith/%[1]s.new <<'END_OF_GOLDSMITH'
%[2]sEND_OF_GOLDSMITH
mv /run/goldsmith/%[1]s.new /run/goldsmith/%[1]s.sh
export %[3]s
exec sh /run/goldsmith/%[1]s.sh
`, run, script, words)
}
