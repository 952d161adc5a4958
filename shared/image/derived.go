package image

import (
	"regexp"
	"strings"

	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

var prefix = regexp.MustCompile(plan.PrefixForm)

// Derived reports whether an AMI name is the one that Name makes for a source and a run, under whatever
// prefix its plan had then.
func Derived(ami, source, name, run string) bool {
	head, whole := strings.CutSuffix(ami, "/"+source+"/"+run)
	if !whole || source == "" || run == "" {
		return false
	}
	for end := range len(head) + 1 {
		if end < len(head) && head[end] != '/' || !prefix.MatchString(head[:end]) {
			continue
		}
		var j job.Job
		j.Plan.Image.Prefix, j.Source.ID, j.Source.Name, j.Run.Name = head[:end], source, name, run
		if Name(j) == ami {
			return true
		}
	}
	return false
}
