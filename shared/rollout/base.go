package rollout

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/plan"
)

// template is what was read of a launch template.
type template struct {
	id, name string
	// tags are nil where they were not read.
	tags                   map[string]string
	versions               map[int64]types.LaunchTemplateVersion
	defaultVersion, latest int64
	launchers              []launcher
	// listed is whether the plan lists it, theirs whether it is left to the service that owns it, unasked whether it takes
	// its image from a parameter and is neither tagged nor listed.
	listed, theirs, unasked bool
	// stays is whether a roll leaves the default where it is.
	stays bool
	// base is the version that the next one is made from, old what EC2 says of its image where that was asked.
	base int64
	old  *Machine
	// against is the image that another is compared with, where that is not the one that the base has.
	against string
	// holds is what the parameter has that it takes its image from, ours whether a roll of the same source put there
	// what it launches now.
	holds string
	ours  bool
	// note is what to know of the template beside what becomes of it, changes who would launch something else than now.
	note, changes string
	// said is what the plan says of the volumes of what is launched with the new image.
	said said
	// also are versions beside base that take their image from the parameter.
	also []int64
}

// number is the version that a launcher names; false for one that does not exist.
func (t *template) number(version string) (int64, bool) {
	switch version {
	case versionDefault:
		return t.defaultVersion, true
	case versionLatest:
		return t.latest, true
	}
	n, err := strconv.ParseInt(version, 10, 64)
	_, known := t.versions[n]
	return n, err == nil && known
}

func (t *template) data(n int64) types.ResponseLaunchTemplateData {
	if d := t.versions[n].LaunchTemplateData; d != nil {
		return *d
	}
	return types.ResponseLaunchTemplateData{}
}

func (t *template) image(n int64) string { return aws.ToString(t.data(n).ImageId) }

// launched are the versions that launchers name, each once, the highest first.
func (t *template) launched() []int64 {
	var numbers []int64
	for _, l := range t.launchers {
		if n, ok := t.number(l.version); ok && !slices.Contains(numbers, n) {
			numbers = append(numbers, n)
		}
	}
	slices.SortFunc(numbers, func(a, b int64) int { return cmp.Compare(b, a) })
	return numbers
}

// choose says which version the next one is made from: what is launched, as far as all launchers agree in
// everything but the image. Where they do not, or none is visible and default and latest differ, want decides.
func (t *template) choose(want plan.Base, differ func(a, b int64) []string) (problem string) {
	candidates := t.launched()
	visible := len(candidates) > 0
	if !visible {
		candidates = []int64{t.defaultVersion, t.latest}
	}
	t.base = candidates[0]
	for _, n := range candidates[1:] {
		fields := differ(t.base, n)
		switch {
		case len(fields) == 0:
		case want == plan.BaseDefault:
			t.base = t.defaultVersion
			t.changed(differ)
			return ""
		case want == plan.BaseLatest:
			t.base = t.latest
			t.changed(differ)
			return ""
		case visible:
			return t.disagreeing(n, fields)
		default:
			return fmt.Sprintf("nothing is seen to launch from it, and its default version %d and its latest %d differ in "+
				"%s; %s", t.defaultVersion, t.latest, listed(fields), sayWhich)
		}
	}
	return ""
}

const sayWhich = "say which the new version is made from, by roll.base in the plan or the tag goldsmith:base on the " +
	"template: default or latest"

func (t *template) disagreeing(other int64, fields []string) string {
	return fmt.Sprintf("%s launches version %d and %s version %d, which differ in %s; %s",
		t.launcherOf(t.base), t.base, t.launcherOf(other), other, listed(fields), sayWhich)
}

// changed tells of launchers that launch something else than what a person has the new version made from.
func (t *template) changed(differ func(a, b int64) []string) {
	for _, n := range t.launched() {
		if fields := differ(t.base, n); len(fields) > 0 {
			t.changes = notes(t.changes, fmt.Sprintf("%s %s version %d now, which differs in %s from version %d, "+
				"and the new one is made from that", few(t.launchersOf(n)),
				map[bool]string{true: "launches", false: "launch"}[len(t.launchersOf(n)) == 1], n, listed(fields), t.base))
		}
	}
}

// launchersOf are the names of all that launch a version.
func (t *template) launchersOf(n int64) (names []string) {
	for _, l := range t.launchers {
		if named, ok := t.number(l.version); ok && named == n && !slices.Contains(names, l.name) {
			names = append(names, l.name)
		}
	}
	return names
}

func (t *template) launcherOf(n int64) string {
	for _, l := range t.launchers {
		if named, ok := t.number(l.version); ok && named == n {
			return l.name
		}
	}
	return ""
}

// warmed names the groups whose warm pools hold instances of what was launched before. Only a refresh replaces those
// (API reference, InstanceRefreshWarmPoolProgress).
func (t *template) warmed() string {
	var names []string
	for _, l := range t.launchers {
		if text := fmt.Sprintf("%d in that of %s", l.warm, l.name); l.warm > 0 && !slices.Contains(names, text) {
			names = append(names, text)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "instances in warm pools stay as they are until their group is refreshed: " + few(names)
}

// lost names the launchers of versions that there are not.
func (t *template) lost() string {
	var names []string
	for _, l := range t.launchers {
		text := fmt.Sprintf("%s names version %s", l.name, l.version)
		if _, ok := t.number(l.version); !ok && !slices.Contains(names, text) {
			names = append(names, text)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return few(names) + ", of which there is none"
}

// left names the launchers that go on launching what they launch when the template is rolled to a
// new version: those that name a number, and those that name a default that stays. groups is whether groups are named.
func (t *template) left(stays, groups bool) []string {
	var names []string
	for _, l := range t.launchers {
		n, ok := t.number(l.version)
		old := ok && (l.version != versionLatest) && (l.version != versionDefault || stays)
		if text := fmt.Sprintf("%s (version %d)", l.name, n); old && (groups || !l.group) && !slices.Contains(names, text) {
			names = append(names, text)
		}
	}
	return names
}
