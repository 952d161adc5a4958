package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// Retired is one old image, or what belongs to one, and what became of it.
type Retired struct{ job.Retirement }

// Retiring is what a run did with old images.
type Retiring struct {
	// Failed are what could not be done, or could not be found out; somebody should look.
	Failed []Retired
	// Suspended are sources of which nothing is retired.
	Suspended []Retired
	// Missed are images that others deregistered.
	Missed []Retired
	// InUse are images that would have gone, and what uses them.
	InUse []Retired
	// Gone are removed: images, and snapshots that belonged to none. Going were deprecated or disabled
	// in this run, and go later. Restored are kept again.
	Gone, Going, Restored []Retired
}

// With is the report with what the run did with old images.
func (r Report) With(retired []job.Retirement) Report {
	sorted := slices.SortedFunc(slices.Values(retired), func(a, b job.Retirement) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Subject, b.Subject))
	})
	zone := zoneNamed(r.Zone)
	for _, each := range sorted {
		each.Due = in(each.Due, zone)
		r.Retiring.add(Retired{each})
	}
	if len(r.Retiring.Failed)+len(r.Retiring.Missed) > 0 && r.Outcome == plan.OK {
		r.Outcome = plan.Partial
	}
	return r
}

func (r *Retiring) add(each Retired) {
	switch each.Status {
	case job.Retired, job.Swept:
		r.Gone = append(r.Gone, each)
	case job.Deprecated, job.Disabled, job.Unshared:
		r.Going = append(r.Going, each)
	case job.InUse:
		r.InUse = append(r.InUse, each)
	case job.Restored:
		r.Restored = append(r.Restored, each)
	case job.Suspended:
		r.Suspended = append(r.Suspended, each)
	case job.Missed:
		r.Missed = append(r.Missed, each)
	case job.Retiring:
		each.Why = []string{"its removal was begun, and the end of it not seen; the next run ends it"}
		r.Failed = append(r.Failed, each)
	case job.Stuck:
		r.Failed = append(r.Failed, each)
	default:
		r.Failed = append(r.Failed, each)
	}
}

// everything is retiring as a whole, when the function for it failed.
func everything(problem string) Retired {
	return Retired{job.Retirement{Subject: "retiring", Status: job.Stuck,
		Why: []string{problem + ". No image is lost by it: the next run tries again."}}}
}

// Label is the source's name with the id of what it is about, and of a copy its Region.
func (r Retired) Label() string {
	if r.Region != "" {
		return Label(r.Name, r.Subject) + " in " + r.Region
	}
	return Label(r.Name, r.Subject)
}

// Says is what became of it, and why.
func (r Retired) Says() string {
	why := strings.Join(r.Why, "; ")
	switch r.Status {
	case job.Retired:
		if r.Pruned > 0 {
			why += fmt.Sprintf("; template versions pruned: %d", r.Pruned)
		}
		return why
	case job.Deprecated:
		return "goes from " + day(r.Retirement) + ": " + why
	case job.Unshared:
		return "shared no longer, goes from " + day(r.Retirement) + ": " + why
	case job.Disabled:
		return "disabled, goes from " + day(r.Retirement) + ": " + why
	case job.InUse:
		return "in use by " + why
	case job.Retiring, job.Restored, job.Suspended, job.Swept, job.Missed, job.Stuck:
	}
	return why
}

func day(r job.Retirement) string { return job.Moment(r.Due) }

// counts are its numbers, for a summary.
func (r Retiring) counts() []string {
	var parts []string
	for _, each := range []struct {
		list []Retired
		what string
	}{
		{r.Gone, "retired"}, {r.Going, "deprecated"}, {r.InUse, "kept in use"},
		{r.Failed, "not retired"}, {r.Missed, "deregistered by others"},
	} {
		if len(each.list) > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", len(each.list), each.what))
		}
	}
	return parts
}

// Lists are its lists with their titles, in the order of what a person must not miss.
func (r Retiring) Lists() []RetiredList {
	return []RetiredList{
		{"Not retired", r.Failed}, {"Deregistered by others", r.Missed},
		{"Retiring suspended", r.Suspended}, {"Kept though due", r.InUse},
		{"Retired", r.Gone}, {"Deprecated", r.Going}, {"Kept again", r.Restored},
	}
}

// RetiredList is a list with its title.
type RetiredList struct {
	Title string
	Of    []Retired
}

func (t *text) retired(list RetiredList) {
	if len(list.Of) == 0 {
		return
	}
	t.head(list.Title)
	for _, each := range list.Of {
		t.line(1, "%s: %s", each.Label(), each.Says())
	}
}
