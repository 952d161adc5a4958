// Package generalize knows the command by which a copy of a machine is made fit to be cloned: one script, which is sent
// by the suite's document. What it takes away are items, each of which a plan may have stay.
package generalize

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed generalize.sh
var script string

// Items are the names of what the script takes away, as it takes them.
func Items() []string {
	_, list, _ := strings.Cut(script, "\nitems=\"")
	list, _, _ = strings.Cut(list, "\"")
	return strings.Fields(list)
}

// Command is what is run on the copy: the plan's own command first, whose traces go with the others, and then the
// script, from where no disk is. Keep are the names of items that stay.
func Command(keep []string, own string) string {
	if own != "" {
		own = fmt.Sprintf(`cat >/run/goldsmith/command.sh <<'END_OF_COMMAND'
%s
END_OF_COMMAND
sh /run/goldsmith/command.sh || { echo "generalize.command of the plan failed" >&2; exit 1; }
`, own)
	}
	return fmt.Sprintf(`set -e
umask 077
mkdir -p /run/goldsmith
%scat >/run/goldsmith/generalize.sh <<'END_OF_GOLDSMITH'
%sEND_OF_GOLDSMITH
export keep='%s'
exec sh /run/goldsmith/generalize.sh
`, own, script, strings.Join(keep, " "))
}
