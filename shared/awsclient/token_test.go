package awsclient_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"goldsmith/shared/awsclient"
)

func TestToken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.StringMatching(`[a-z0-9-]{0,20}`), 1, 4)
		a, b := parts.Draw(t, "a"), parts.Draw(t, "b")
		one, other := awsclient.Token(a...), awsclient.Token(b...)
		if (one == other) != slices.Equal(a, b) {
			t.Fatalf("%q has token %s, %q has %s", a, one, b, other)
		}
		if len(one) == 0 || len(one) > 64 || strings.Trim(one, "0123456789abcdef") != "" {
			t.Fatalf("%q is no client token", one)
		}
	})
}

// Where one part ends and the next begins is part of what the token stands for.
func TestTokenKeepsPartsApart(t *testing.T) {
	for _, parts := range [][]string{{"ab", "c"}, {"abc"}, {"abc", ""}, {"", "abc"}} {
		if awsclient.Token(parts...) == awsclient.Token("a", "bc") {
			t.Errorf("%q and %q have one token", parts, []string{"a", "bc"})
		}
	}
}
