package image_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"goldsmith/shared/image"
)

// A name is derived for its own source and run, and for no other.
func TestDerived(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := jobs(t, "a")
		name := image.Name(j)
		if !image.Derived(name, j.Source.ID, j.Source.Name, j.Run.Name) {
			t.Fatalf("%q is not derived for %+v", name, j.Source)
		}
		other := jobs(t, "b")
		if other.Source.ID != j.Source.ID && image.Derived(name, other.Source.ID, j.Source.Name, j.Run.Name) {
			t.Fatalf("%q is derived for source %s", name, other.Source.ID)
		}
		if other.Run.Name != j.Run.Name && image.Derived(name, j.Source.ID, j.Source.Name, other.Run.Name) {
			t.Fatalf("%q is derived for run %s", name, other.Run.Name)
		}
	})
}

func TestNotDerived(t *testing.T) {
	const tail = "/i-0123456789abcdef0/nightly-20260322T023000Z"
	for why, head := range map[string]string{
		"another name": "golden/db", "no prefix": "web", "an empty prefix": "/web", "nothing": "",
		"a longer name":             "golden/web1",
		"a prefix that no plan has": strings.Repeat("x", 33) + "/web", "a backup's": "backup-web",
	} {
		if image.Derived(head+tail, "i-0123456789abcdef0", "web", "nightly-20260322T023000Z") {
			t.Errorf("%s: %q is derived", why, head+tail)
		}
	}
	if !image.Derived("a/b/web"+tail, "i-0123456789abcdef0", "web", "nightly-20260322T023000Z") {
		t.Error("a prefix with a slash is not known")
	}
	if image.Derived("golden/web//", "", "web", "") {
		t.Error("nothing is derived")
	}
}
