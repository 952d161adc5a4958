package job_test

import (
	"testing"

	"goldsmith/shared/job"
)

func TestCommand(t *testing.T) {
	for name, want := range map[string]string{
		"web":         "goldsmith follow --name web",
		"team/web.v2": "goldsmith follow --name team/web.v2",
		"my web":      "goldsmith follow --name 'my web'",
		"it's $HOME":  `goldsmith follow --name 'it'\''s $HOME'`,
		"":            "goldsmith follow --name ''",
	} {
		if got := job.Command("follow", name); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}
