package rollout

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/plan"
)

// versioned is a template whose default is 1 and whose latest is 3; each version has a key pair, the field in which
// versions differ.
func versioned(keys map[int64]string, launchers ...launcher) *template {
	t := &template{id: "lt-1", defaultVersion: 1, latest: 3, launchers: launchers,
		versions: map[int64]types.LaunchTemplateVersion{}}
	for n, key := range keys {
		t.versions[n] = types.LaunchTemplateVersion{LaunchTemplateData: &types.ResponseLaunchTemplateData{KeyName: aws.String(key)}}
	}
	return t
}

func by(name, version string) launcher { return launcher{name: name, version: version, group: true} }

func TestChoose(t *testing.T) {
	equal, apart := map[int64]string{1: "a", 2: "a", 3: "a"}, map[int64]string{1: "a", 2: "b", 3: "c"}
	for name, c := range map[string]struct {
		template *template
		want     plan.Base
		base     int64
		problem  string
	}{
		"nothing is seen, and default and latest are equal": {versioned(equal), "", 1, ""},
		"nothing is seen, and they differ": {versioned(apart), "", 1,
			"nothing is seen to launch from it, and its default version 1 and its latest 3 differ in KeyName; " + sayWhich},
		"nothing is seen, and the default is wished":   {versioned(apart), plan.BaseDefault, 1, ""},
		"nothing is seen, and the latest is wished":    {versioned(apart), plan.BaseLatest, 3, ""},
		"one group names the latest":                   {versioned(apart, by("group a", "$Latest")), "", 3, ""},
		"one group names a number, whatever is wished": {versioned(apart, by("group a", "2")), plan.BaseLatest, 2, ""},
		"two groups agree by different names": {versioned(map[int64]string{1: "a", 2: "b", 3: "a"},
			by("group a", "$Default"), by("group b", "3")), "", 3, ""},
		"two groups disagree": {versioned(apart, by("group a", "$Latest"), by("group b", "2")),
			"", 3, "group a launches version 3 and group b version 2, which differ in KeyName; " + sayWhich},
		"two groups disagree, and the default is wished": {versioned(apart, by("group a", "$Latest"), by("group b", "2")),
			plan.BaseDefault, 1, ""},
		"a version that does not exist is not launched": {versioned(apart, by("group a", "$Latest"), by("group b", "7")),
			"", 3, ""},
		"nor is what is no number": {versioned(apart, by("group a", "$Latest"),
			by("group b", "old")), "", 3, ""},
	} {
		problem := c.template.choose(c.want, func(a, b int64) []string { return differIn(c.template, a, b) })
		if c.template.base != c.base || problem != c.problem {
			t.Errorf("%s: base %d, %q; want %d, %q", name, c.template.base, problem, c.base, c.problem)
		}
	}
}

// Where a person says what the new version is made from, who launches something else is told, with what changes.
func TestWhoChangesByAWish(t *testing.T) {
	tmpl := versioned(map[int64]string{1: "a", 2: "b", 3: "b"}, by("group a", "$Default"), by("group b", "$Latest"),
		by("group c", "2"), by("group d", "$Latest"))
	tmpl.choose(plan.BaseDefault, func(a, b int64) []string { return differIn(tmpl, a, b) })
	const from = ", which differs in KeyName from version 1, and the new one is made from that"
	want := "group b and group d launch version 3 now" + from + "; group c launches version 2 now" + from
	if tmpl.changes != want {
		t.Errorf("%q, want %q", tmpl.changes, want)
	}
}

func differIn(t *template, a, b int64) []string {
	return differing(t.data(a), t.data(b), func(string, string) bool { return false })
}

func TestLeft(t *testing.T) {
	fleet := launcher{name: "fleet f", version: "2"}
	tmpl := versioned(map[int64]string{1: "a", 2: "a", 3: "a"}, by("group d", "$Default"), by("group l", "$Latest"),
		by("group n", "2"), by("group n", "2"), by("group x", "9"), fleet)
	for name, c := range map[string]struct {
		stays, groups bool
		want          []string
	}{
		"the default moves": {false, true, []string{"group n (version 2)", "fleet f (version 2)"}},
		"the default stays": {true, true,
			[]string{"group d (version 1)", "group n (version 2)", "fleet f (version 2)"}},
		"groups are told of by their step": {true, false, []string{"fleet f (version 2)"}},
	} {
		if got := tmpl.left(c.stays, c.groups); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestWarmed(t *testing.T) {
	warm := func(name string, n int32) launcher { return launcher{name: name, version: "$Default", warm: n} }
	for want, launchers := range map[string][]launcher{
		"": {warm("group a", 0)},
		"instances in warm pools stay as they are until their group is refreshed: 2 in that of group a": {warm("group a", 2),
			warm("group a", 2)},
		"instances in warm pools stay as they are until their group is refreshed: 2 in that of group a and 1 in that of " +
			"group b": {warm("group a", 2), warm("group b", 1)},
	} {
		if got := versioned(nil, launchers...).warmed(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestListed(t *testing.T) {
	for want, words := range map[string][]string{"": nil, "a": {"a"}, "a and b": {"a", "b"},
		"a, b and c": {"a", "b", "c"}} {
		if got := listed(words); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
