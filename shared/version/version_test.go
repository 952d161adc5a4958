package version_test

import (
	"os"
	"regexp"
	"testing"

	"goldsmith/shared/version"
)

// The changelog has an entry for the version, or keeps its changes as unreleased after the release before.
func TestTheChangelogNamesIt(t *testing.T) {
	log, err := os.ReadFile("../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^## \[(\d+\.\d+\.\d+)\]`).FindSubmatch(log)
	if len(found) == 0 || string(found[1]) != version.Version {
		t.Errorf("the newest entry of CHANGELOG.md is %q, and this is version %s", found, version.Version)
	}
}
