package members

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// verdict is what becomes of a member.
type verdict int

const (
	dropped verdict = iota // a request that holds it succeeds, and nothing tells
	refused                // by name
	denied                 // in the service's own words whatever it says, for a reason that stands in the page
	shown
	untaken // refused whatever it says, in words that do not name it
	without // taken, with an effect that nothing can show, for a reason that stands in the page
)

// found is every verdict, by action and member.
type found map[string]map[string]verdict

const opening = `# The embedded AWS

Which actions of these services the embedded AWS has, and what a request of each may say. A member that stands under
*modelled* changes what a describe shows, or what the action answers, or a refusal names it; one under *refused* is
refused by name when a request holds it, in the service's own protocol. Those that the service refuses in other words
whatever they say stand by themselves, and so do those that are taken without an effect, each with its reason. An
action that is not here is refused as one the service does not know.

This page is written by the test that sends each member of the SDK's own input types through the real client and
looks at everything the embedded AWS shows afterwards (` + "`go test ./test/members -update`" + `); the test fails when
the page says anything else. ` + "`X.*`" + ` is every member of X, ` + "`[]`" + ` an element of a list.
`

// page is docs/embedded-aws.md.
func page(services map[string]found) string {
	var b strings.Builder
	b.WriteString(opening)
	for _, service := range slices.Sorted(maps.Keys(services)) {
		fmt.Fprintf(&b, "\n## %s\n", service)
		for _, action := range slices.Sorted(maps.Keys(services[service])) {
			fmt.Fprintf(&b, "\n### %s\n\n", action)
			all := services[service][action]
			writeList(&b, "modelled", all, shown)
			writeList(&b, "refused", all, refused)
			for _, each := range words {
				if each.of.MatchString(service + "." + action + "." + first(all, denied)) {
					writeList(&b, "refused in other words ("+each.reason+")", all, denied)
				}
			}
			for _, name := range slices.Sorted(maps.Keys(all)) {
				if all[name] == without {
					fmt.Fprintf(&b, "- without effect: `%s`: %s\n", name, unseen[service+"."+action+"."+name])
				}
			}
		}
	}
	return b.String()
}

// first is the first member of a verdict.
func first(all map[string]verdict, of verdict) string {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name] == of {
			return name
		}
	}
	return ""
}

func writeList(b *strings.Builder, title string, all map[string]verdict, of verdict) {
	list := folded(all, of)
	if len(list) == 0 {
		return
	}
	line := "- " + title + ":"
	for i, name := range list {
		word := " `" + name + "`"
		if i < len(list)-1 {
			word += ","
		}
		if len(line)+len(word) > 120 {
			b.WriteString(line + "\n")
			line = " "
		}
		line += word
	}
	b.WriteString(line + "\n")
}

// folded are the names of a verdict, those of a structure that has no other verdict as one.
func folded(all map[string]verdict, of verdict) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name] != of {
			continue
		}
		short := name
		for i, c := range name {
			if c == '.' && uniform(all, name[:i+1], of) {
				short = name[:i] + ".*"
				break
			}
		}
		if !slices.Contains(list, short) {
			list = append(list, short)
		}
	}
	return list
}

func uniform(all map[string]verdict, prefix string, of verdict) bool {
	for name, v := range all {
		if strings.HasPrefix(name, prefix) && v != of {
			return false
		}
	}
	return true
}
