package report

import (
	"cmp"
	"slices"

	"goldsmith/shared/job"
)

// Nothing is what a report says of a run after which there is nothing to do.
const Nothing = "Nothing is to be done."

// todo is what a person does about sources that were left alone, and about warnings. Where a reason is
// not among them there is nothing to do.
var todo = map[job.ReasonCode]string{
	job.OverLimit:    "Raise the plan's limit, or ask again later.",
	job.NoTurn:       "Raise the plan's concurrency or its window, or ask again.",
	job.WindowClosed: "Raise the plan's concurrency or its window, should the next run not reach them either.",
	job.StillDown:    "Have it brought back; the next run images it.",
	job.BreakerOpen:  "Put right what keeps it down; the next run images the others.",
	job.CannotStart:  "Put right what the reason says; the next run images these.",
	job.LedgerLost: "See why no sweep has: the log of goldsmith-recover. Or bring back what the ledger's table held " +
		"(operations guide, \"The table was lost\"). Then run the plan again.",
	job.LedgerUnread: "Remove the record (operations guide, \"A record cannot be read\"), then run the plan again.",
	job.NoTrace: "Let function stop put the tag goldsmith:stopped on them, of which an instance has fifty at most, or " +
		"leave them out of the plan.",
	job.KeyUnseen: "Have the keys' policies let functions select and claim call kms:DescribeKey, or leave it so: a " +
		"key that cannot be used is then noticed only after a stop.",
	job.QuotaUnseen: "Let function select call servicequotas:GetServiceQuota, or leave it so: a quota that is exceeded " +
		"is then noticed only after a stop.",
	job.KeyNotShared: "Let the accounts use the keys, in the keys' policies (docs/sharing.md): until then what they " +
		"launch does not come up.",
	job.MarketplaceProduct: "Have the accounts subscribe to the products (docs/sharing.md), or leave it so: only who " +
		"has launches the images.",
	job.KeyNotForGroups: "Let Auto Scaling's role use the keys, by a grant or in the keys' policies (docs/sharing.md): " +
		"until then what the groups launch does not come up.",
	job.GroupsUnseen: "See whether the keys let Auto Scaling's role use them (docs/sharing.md), and list the keys in " +
		"kmsKeys, so that function claim may look.",
	job.SharingUnseen: "To know it, launch an instance in an account that the image is shared with; or let function " +
		"claim call kms:GetKeyPolicy, kms:ListGrants and organizations:DescribeOrganization.",
	job.PinnedGroup: "Have the groups that are named launch the new image, or leave it so: they go on launching an " +
		"older one.",
	job.OutOfService: "See what keeps out of service what is named (operations guide, \"A member does not come back " +
		"into service\").",
	job.BeforeFailed: "See why the command fails (operations guide, \"A command of a plan fails\").",
	job.AfterFailed: "See whether the application works, and run by hand what was not (operations " +
		"guide, \"A command of a plan fails\").",
	job.RootStays: "Take the root's device out of image.volumes.leaveOut, or the tag goldsmith:image=no off its " +
		"volume, or leave it so.",
	job.NotLeftOut: "Delete the snapshots that no image holds, if they are not wanted; what EC2 does with the volumes " +
		"that a plan leaves out is in docs/plans.md.",
	job.LeftRaw:      "Take what is named out of the plan, or leave it so: it is imaged as a backup only (docs/plans.md).",
	job.RequestLeft:  "Take the tag goldsmith:image off by hand where it stays.",
	job.TestLeft:     "See that the test instance ends, should the next sweeps not end it.",
	job.ForcedStop:   "Check the file systems of what was stopped by force.",
	job.StartedEarly: "Ask for another image of what was started in the middle.",
}

// answered are reasons by which a request for one source has its answer.
var answered = []job.ReasonCode{job.Claimed, job.Gone, job.Terminating, job.Withdrawn}

// Todo is what a person has to do besides what each failure says of itself; Nothing when there is neither.
func (r Report) Todo() []string {
	var all []string
	for _, g := range r.Refusals {
		what, known := todo[g.Code]
		if !known && !slices.Contains(answered, g.Code) {
			what = "Change what the reason says, or the plan, then ask again."
		}
		all = append(all, what)
	}
	all = append(all, r.leftToDo()...)
	if len(r.Retiring.Failed) > 0 {
		all = append(all, "Put right what is said of what was not retired, if anything; the next run tries again.")
	}
	do := distinct(all)
	if len(do) == 0 && r.Broke == nil && r.Counts.Failed+r.Counts.LeftStopped == 0 {
		return []string{Nothing}
	}
	return do
}

// distinct are the sentences there are, each once.
func distinct(all []string) (once []string) {
	for _, each := range all {
		if each != "" && !slices.Contains(once, each) {
			once = append(once, each)
		}
	}
	return once
}

// leftToDo is what there is to do about targets and groups that were left alone, and about warnings.
func (r Report) leftToDo() []string {
	var do []string
	if len(r.NotRolled) > 0 {
		do = append(do, "Put right what is said of each that was not rolled, if it is still wanted; the next run tries "+
			"again.")
	}
	if len(r.NotRefreshed) > 0 {
		do = append(do, "Put right what is said of each group that was not refreshed, or refresh it yourself.")
	}
	for _, each := range r.NotShared {
		do = append(do, cmp.Or(each.Do, "Put right what is said of each image that was not shared; the next one is shared."))
	}
	for _, each := range r.NotCopied {
		do = append(do, cmp.Or(each.Do, "Put right what is said of each image that was not copied; the next one is copied."))
	}
	for _, g := range slices.Concat(r.Skips, r.Warnings) {
		do = append(do, todo[g.Code])
	}
	return do
}
