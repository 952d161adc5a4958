package rollout

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"
)

var parameterForm = regexp.MustCompile(`^/goldsmith/images/[A-Za-z0-9._-]+$`)

func TestAliasNames(t *testing.T) {
	for _, name := range []string{"web", "web-1", "Web_1.2", "i-0123456789abcdef0", "i-01234567", "server.example.org"} {
		if got := parameterName(name); got != name {
			t.Errorf("%q has the alias %q", name, got)
		}
	}
	for _, name := range []string{"web 1", "web/1", "データ", "/", "web-5bcf3c836b", "web-5bcf3c836b179f63b0d300c8d24a65ea"} {
		if got := parameterName(name); got == name || !hashed.MatchString(got) {
			t.Errorf("%q has the alias %q", name, got)
		}
	}
}

// No two names have one alias, whatever they are made of; one that Parameter Store takes as it is stays.
func TestEveryNameHasAnAliasOfItsOwn(t *testing.T) {
	f := Finder{Path: "/goldsmith/images/"}
	word := rapid.StringOfN(rapid.SampledFrom([]rune("ab1-_. /:é日\x00")), 1, 12, -1)
	names := rapid.OneOf(word, rapid.Map(word, parameterName), rapid.Map(word, formerName),
		rapid.Map(word, func(name string) string { return bentName(name, shortHash) }),
		rapid.String().Filter(func(s string) bool { return s != "" }))
	rapid.Check(t, func(r *rapid.T) {
		a, b := names.Draw(r, "a"), names.Draw(r, "b")
		if !parameterForm.MatchString(f.alias(a)) {
			r.Fatalf("%q has the alias %q", a, f.alias(a))
		}
		if a != b && f.alias(a) == f.alias(b) {
			r.Fatalf("%q and %q have the alias %q", a, b, f.alias(a))
		}
		if parameterName(a) == bentName(b, shortHash) {
			r.Fatalf("%q has the alias %q, which an earlier version wrote for %q", a, f.alias(a), b)
		}
	})
}
