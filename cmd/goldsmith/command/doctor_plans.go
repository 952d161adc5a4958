package command

import (
	"context"
	"fmt"
	"slices"

	"goldsmith/cmd/goldsmith/rehearsal"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// needs are the looks at what each plan would meet now: what keeps it from imaging its sources, and is no rule of its
// own. Keys, quotas, Systems Manager's agents, what copies and shares need: all that goldsmith plan asks about.
func (t *terms) needs(plans plan.Plans, absent bool) (all []look) {
	if absent {
		return nil
	}
	for _, name := range plans.Names() {
		all = append(all, look{"plan " + name, func(ctx context.Context) (finding, error) {
			stage, _, err := t.stage(ctx)
			if err != nil {
				return finding{}, err
			}
			p := plans.Plans[name]
			night, err := stage.Play(ctx, rehearsal.Scheduled(p, t.Now()), p)
			return met(night), err
		}})
	}
	return all
}

// met is what a run that began now would meet.
func met(n rehearsal.Night) finding {
	do := "goldsmith plan " + n.Plan + " says what would be done with each source."
	missing, unsure, imaged := lacks(n)
	switch {
	case len(missing) > 0:
		return finding{Is: unwell, Says: firstAnd(missing), Do: do}
	case len(unsure) > 0:
		return finding{Is: unlooked, Says: firstAnd(unsure), Do: do}
	case len(n.Sources) == 0:
		return finding{Is: well, Says: "no source is in it now"}
	}
	return finding{Is: well, Says: fmt.Sprintf("%d of %s would be imaged now; nothing is missing that can be seen", imaged,
		count(len(n.Sources), "source"))}
}

// lacks are what keeps the run from what the plan says, what could not be seen, and how many sources would be imaged.
func lacks(n rehearsal.Night) (missing, unsure []string, imaged int) {
	if n.Refused != "" {
		return []string{"a run would touch nothing: " + sentence(n.Refused)}, nil, 0
	}
	for _, s := range n.Sources {
		if s.Skip == nil {
			imaged++
		}
		for _, r := range reasons(s) {
			says := fmt.Sprintf("%s (%s): %s", s.Name, s.ID, sentence(r.Text))
			if slices.Contains(unseen, r.Code) {
				unsure = append(unsure, says)
			} else {
				missing = append(missing, says)
			}
		}
	}
	for _, c := range n.Copies {
		if c.Problem != "" {
			missing = append(missing, "copies in "+c.Region+": "+sentence(c.Problem))
		}
	}
	if n.Blind != "" {
		missing = append(missing, "no image would be retired: "+sentence(n.Blind))
	}
	for _, b := range n.BlindIn {
		missing = append(missing, "no copy in "+b.Region+" would be retired: "+sentence(b.Why))
	}
	return missing, unsure, imaged
}

// Codes of warnings that a person has to do something about before the next run, and of those that say that something
// could not be seen.
var (
	lacking = []job.ReasonCode{job.AfterFailed, job.BeforeFailed, job.KeyNotShared, job.KeyNotForGroups}
	unseen  = []job.ReasonCode{job.KeyUnseen, job.QuotaUnseen, job.StoreUnseen, job.GroupsUnseen, job.SharingUnseen}
)

// reasons are those of a source that are about what the plan needs, and not about what the plan says.
func reasons(s rehearsal.Source) (all []job.Reason) {
	if s.Skip != nil {
		if s.Skip.Refuses() {
			all = append(all, *s.Skip)
		}
		return all
	}
	for _, w := range s.Warnings {
		if slices.Contains(lacking, w.Code) || slices.Contains(unseen, w.Code) {
			all = append(all, w)
		}
	}
	if s.Unshared != nil {
		all = append(all, job.Reason{Code: job.KeyNotShared, Text: "its image would not be shared: " + s.Unshared.Problem})
	}
	return all
}

// firstAnd is the first of what is said, and how many there are besides.
func firstAnd(all []string) string {
	if len(all) == 1 {
		return all[0]
	}
	return all[0] + "; and " + count(len(all)-1, "other")
}
