package command

import (
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"goldsmith/shared/version"
)

func (t *terms) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the version of this command line",
		Long: `Version shows the release of this command line, the commit it was built from, and the
release of Go. It asks nothing of AWS; which release is deployed stands over every answer
of the other commands.`,
		Example: "  goldsmith version --output json",
		Args:    takes(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			b := built()
			return t.show(b, func(p *page) { p.line("goldsmith %s", b) })
		},
	}
}

// build is what a command line was built from. Commit is "" where that is not known.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

func built() build {
	b := build{Version: version.Version}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Go = info.GoVersion
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.Commit = s.Value[:min(len(s.Value), 12)]
		}
	}
	return b
}

// String is the line that --version shows.
func (b build) String() string {
	return strings.Join(strings.Fields(b.Version+" "+b.Commit+" "+b.Go), " ")
}
