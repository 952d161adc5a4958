package report

import (
	"cmp"
	"fmt"
	"strings"

	"goldsmith/shared/job"
)

// Refresh is one Auto Scaling group, and the source whose image it is to launch.
type Refresh struct {
	Source string
	job.Refresh
}

// addRefreshed tells of every group. What was left to do when the run ended is
// told as not done: how it ended is not known. wanted is whether the plan
// refreshes groups.
func (r *Report) addRefreshed(result job.Result, wanted bool) {
	source := nameOf(result)
	for _, each := range result.Refreshes {
		if each.Open() {
			each.Problem = open(each)
		}
		r.addRefresh(Refresh{source, each})
	}
	if wanted && result.Refreshing && len(result.Refreshes) == 0 {
		r.addRefresh(Refresh{source, job.Refresh{
			Group:   "all groups",
			Problem: "The run was cut off before it looked for groups that launch from what was rolled. Refresh them yourself.",
		}})
	}
}

func open(r job.Refresh) string {
	if r.Behind {
		return fmt.Sprintf("Another refresh of it, %s, was %s when the run was cut off, and none was begun after it.", r.ID,
			cmp.Or(r.Status, "under way"))
	}
	return fmt.Sprintf("Refresh %s was %s when the run was cut off. Auto Scaling goes on with it; see how it ends: aws "+
		"autoscaling describe-instance-refreshes --auto-scaling-group-name %s",
		r.ID, cmp.Or(r.Status, "under way"), r.Group)
}

func (r *Report) addRefresh(each Refresh) {
	if each.Problem != "" {
		r.Counts.NotRefreshed++
		r.NotRefreshed = append(r.NotRefreshed, each)
		return
	}
	r.Counts.Refreshed++
	r.Refreshed = append(r.Refreshed, each)
}

// Change says what a group launched from before and launches from now, how long
// that took, and what to know of it; or why it did not come to that.
func (r Refresh) Change() string {
	change := r.From
	if r.To != "" && r.To != r.From {
		change = r.From + " -> " + r.To
	}
	switch {
	case r.Problem != "":
		return join(join(change, ": ", r.Problem), end(r.Problem), r.Note)
	case r.ID == "":
		return join(join(change, ", ", "nothing to refresh"), ". ", r.Note)
	default:
		return join(join(change, ", ", "took "+Span(r.Ended.Sub(r.Began))), ". ", r.Note)
	}
}

// end is what comes between a text and a sentence after it.
func end(text string) string {
	if strings.HasSuffix(text, ".") {
		return " "
	}
	return ". "
}

func join(first, between, second string) string {
	if first == "" || second == "" {
		return first + second
	}
	return first + between + second
}
