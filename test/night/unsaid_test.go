package night_test

import (
	"regexp"
	"strings"
	"testing"

	"goldsmith/local/stack"
	"goldsmith/shared/job"
)

// What EC2 does not say of an instance keeps it from being stopped, on schedule or asked for: it may be protected, or
// not start again.
func TestWhatIsNotSaidKeepsAnInstanceRunning(t *testing.T) {
	volumes := regexp.MustCompile(`(?s)<volumeSet>.*</volumeSet>`)
	for name, c := range map[string]struct {
		answer layer
		reason job.ReasonCode
	}{
		"whether it is protected": {
			answering("DescribeInstanceAttribute", "disableApiStop", "disableSomething"), job.StopProtected,
		},
		"the value of its protection": {answering("DescribeInstanceAttribute", "value>", "other>"), job.StopProtected},
		"its key":                     {answering("DescribeVolumes", "kmsKeyId", "other"), job.CannotStart},
		"whether a volume is encrypted": {
			answering("DescribeVolumes", "encrypted>", "other>"), job.CannotStart,
		},
		"its volumes": {
			between("DescribeVolumes", as, func(body string) string { return volumes.ReplaceAllString(body, "<volumeSet/>") }),
			job.CannotStart,
		},
	} {
		t.Run(name, func(t *testing.T) {
			options := stack.Options{Plans: nightly(), VolumeKeys: listedKeys(), Guard: guarded(c.answer)}
			play(t, options, func(n *night) {
				of := "key=usable"
				if strings.HasPrefix(name, "whether a volume") {
					of = ""
				}
				ids := []string{n.launch("web", of), n.launch("lab", of+" unenrolled")}
				n.begin()
				n.ask(ids[1], "now")
				n.run()
				for _, id := range ids {
					n.want("reason of "+id, n.firstOf(id).Skip.Code, c.reason)
					n.want("stops of "+id, len(n.stopsOf(id)), 0)
				}
			})
		})
	}
}
