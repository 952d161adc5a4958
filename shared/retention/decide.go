package retention

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/schedule"
	"goldsmith/shared/usage"
)

// Image is one of Goldsmith's images as retention sees it.
type Image struct {
	ID string
	// Name is the source's name, Source its id, Run the run that made it, Lineage what the source is over
	// time: all from the register.
	Name, Source, Run, Lineage string
	Made                       time.Time
	// Available images can be launched; Disabled ones could be, and Goldsmith or a person disabled them.
	Available, Disabled bool
	// General ones are judged apart from the others of their lineage.
	General bool
	// Good images are available, and their job ended well.
	Good bool
	// Held is why only its run or recover may change the image; empty when it is not held.
	Held string
	// Override is its source's tag goldsmith:keep, from the register; Overridden is whether there was one.
	Override   string
	Overridden bool
	// Tag is the image's own tag goldsmith:keep, which only ever keeps more; Tagged is whether there is one.
	Tag    string
	Tagged bool
	// Shared is whether Goldsmith shares it; Unshared is when that was taken back, zero when it was not.
	Shared   bool
	Unshared time.Time
	// Since is when Goldsmith deprecated it or, if it is Disabled, disabled it; zero when it did neither.
	Since time.Time
}

// Step is what is next for an image.
type Step string

const (
	// Keep leaves it as it is.
	Keep Step = "keep"
	// Restore takes back the deprecation of an image that is kept again.
	Restore Step = "restore"
	// InUse keeps it though it is due, since something refers to it.
	InUse Step = "in-use"
	// Deprecate is the first step of an image that goes.
	Deprecate Step = "deprecate"
	// Wait is for the grace period.
	Wait Step = "wait"
	// Unshare takes back the permissions that Goldsmith gave, before anything else becomes of the image.
	Unshare Step = "unshare"
	// Disable is for plans that want it before the image goes.
	Disable Step = "disable"
	// Retire removes the image with its snapshots.
	Retire Step = "retire"
)

// Decision is what becomes of one image.
type Decision struct {
	Image
	// History names the images that it is judged with, in the order of decisions.
	History string
	Step    Step
	// Why is the reason: "daily 3/7", "minimum 2", "no rule keeps it", or what uses it.
	Why []string
	// Due is when it goes, or is disabled, in the plan's zone; zero when it stays.
	Due time.Time
	// Problem is what a person has to know of its source: nothing of it is retired.
	Problem string
}

// Going reports whether the image goes unless something uses it.
func (d Decision) Going() bool {
	return d.Step == Deprecate || d.Step == Wait || d.Step == Unshare || d.Step == Disable ||
		d.Step == Retire
}

// unkept is why an image goes.
const unkept = "no rule keeps it"

// Decide says what becomes of a plan's images, by history and from the newest, before anybody has
// asked what uses them; Settle does that. While a lineage lives its images are a history of their own, whatever
// others call themselves. Standing is what is known of the Ambiguous ones.
func Decide(images []Image, p plan.Plan, standing Standing, now time.Time) []Decision {
	var decisions []Decision
	for _, h := range histories(images, standing) {
		for _, d := range source(h.images, p, now) {
			d.History = h.key
			decisions = append(decisions, d)
		}
	}
	return decisions
}

// source decides over the images of one history, newest first.
func source(images []Image, p plan.Plan, now time.Time) []Decision {
	if !p.Keep.Rules() {
		return keepAll(images, "the plan has no rule", "")
	}
	var made []time.Time
	newest := -1
	for i, image := range images {
		if image.Good {
			made = append(made, image.Made)
			if newest < 0 {
				newest = i
			}
		}
	}
	if newest < 0 {
		return keepAll(images, "no current image: retiring suspended", "no current image: retiring suspended")
	}
	zone, err := schedule.Zone(cmp.Or(p.Timezone, "UTC"))
	if err != nil {
		return keepAll(images, err.Error(), err.Error())
	}
	kept, err := keptByAny(images, made, p.Keep, zone)
	if err != nil {
		problem := fmt.Sprintf("its tag goldsmith:keep cannot be read, so all its images are kept: %v", err)
		return keepAll(images, problem, problem)
	}
	return decide(images, newest, kept, p.Keep, now.In(zone))
}

// keptByAny is why the good ones of a history's images are kept. The newest good image of each lineage in it has its
// say, and what any of them keeps is kept: what one source says lets no image of another go.
func keptByAny(images []Image, made []time.Time, k plan.Keep, zone *time.Location) ([]string, error) {
	kept, said := make([]string, len(made)), map[string]bool{}
	for _, image := range images {
		if !image.Good || said[image.Lineage] {
			continue
		}
		said[image.Lineage] = true
		by, err := image.kept(made, k, zone)
		if err != nil {
			return nil, err
		}
		for n, why := range by {
			kept[n] = cmp.Or(kept[n], why)
		}
	}
	return kept, nil
}

// kept is Kept by what its source says and by what its tag keeps besides: anyone may write the tag of an image.
func (i Image) kept(made []time.Time, k plan.Keep, zone *time.Location) ([]string, error) {
	rules, err := k, error(nil)
	if i.Overridden {
		rules, err = Override(i.Override, k)
	}
	if err != nil {
		return nil, err
	}
	kept := Kept(made, rules, zone)
	if !i.Tagged {
		return kept, nil
	}
	if rules, err = Override(i.Tag, k); err != nil {
		return nil, err
	}
	for n, why := range Kept(made, rules, zone) {
		kept[n] = cmp.Or(kept[n], why)
	}
	return kept, nil
}

func keepAll(images []Image, why, problem string) []Decision {
	var all []Decision
	for _, image := range images {
		all = append(all, Decision{Image: image, Step: Keep, Why: []string{why}, Problem: problem})
	}
	return all
}

func decide(images []Image, newest int, kept []string, k plan.Keep, now time.Time) []Decision {
	var all []Decision
	good := 0
	for i, image := range images {
		d := Decision{Image: image, Step: Keep}
		switch {
		case image.Held != "":
			d.Why = []string{image.Held}
		case image.Good:
			if d.Why = []string{kept[good]}; kept[good] == "" {
				d.next(k, now)
			} else {
				d.stay()
			}
		// A disabled image is part of no history; Goldsmith's own go on their way, a person's stay.
		case image.Disabled && !image.Since.IsZero() && i > newest:
			d.next(k, now)
		case image.Disabled:
			d.Why = []string{"disabled, and not by Goldsmith"}
		default:
			d.Why = []string{"not known to be good: it is neither counted nor retired"}
		}
		if image.Good {
			good++
		}
		all = append(all, d)
	}
	return all
}

// stay takes a deprecation back.
func (d *Decision) stay() {
	if !d.Since.IsZero() {
		d.Step = Restore
	}
}

// Shown is how long after its permissions were taken back an image stays: EC2 tells of a launch by another account up
// to a day late (User Guide, "Check when an Amazon EC2 AMI was last used"), and another day is for the clock's sake.
const Shown = 48 * time.Hour

// reportLag is how long after its deprecation a shared image is asked about: EC2's usage report leaves out what launch
// templates of other accounts name since a few days (User Guide, "View your AMI usage"). What they named before the
// deprecation, which hides the image from them, is in it then.
const reportLag = 4 * 24 * time.Hour

// reportSees is how long after its permissions were taken back a report has all that other accounts launched of an
// image: it leaves out a day (User Guide, "View your AMI usage"), and an hour is for launches under way and for clocks.
const reportSees = 25 * time.Hour

// asking is what EC2's usage report has to say of an image that Goldsmith shares, or shared, so that it goes. Once
// nobody else can launch it, one more has to say that nobody has: what was launched a while before is in no other.
func (d Decision) asking(with job.Sharing, now time.Time) usage.Shared {
	s := usage.Shared{With: with, Asked: d.Step != Wait, From: d.Since.Add(reportLag)}
	if d.Unshared.IsZero() {
		return s
	}
	if from := d.Unshared.Add(reportSees); from.After(s.From) {
		s.From = from
	}
	s.Ended, s.Asked = true, s.Asked || !now.Before(s.From)
	return s
}

// next is the next step of an image that goes: each lasts for the grace period. Its time is in the zone of now.
func (d *Decision) next(k plan.Keep, now time.Time) {
	d.Why = []string{unkept}
	over := d.Since.Add(time.Duration(k.Grace))
	if d.Shared {
		over = d.Since.Add(max(time.Duration(k.Grace), reportLag))
	}
	switch {
	case d.Since.IsZero():
		d.Step, d.Due = Deprecate, now.Add(time.Duration(k.Grace))
	case now.Before(over):
		d.Step, d.Due = Wait, over
	case d.Shared:
		d.Step, d.Due = Unshare, now
	case now.Before(d.Unshared.Add(Shown)):
		d.Step, d.Due = Wait, d.Unshared.Add(Shown)
	case k.Disable && !d.Disabled:
		d.Step, d.Due = Disable, now
	default:
		d.Step, d.Due = Retire, now
	}
	d.Due = d.Due.In(now.Location())
}

// Settle keeps what is in use: uses are reasons by image id. Unsure is why it is not known yet whether an image is:
// that one stays as it is, and nothing that was begun is taken back for it.
func Settle(decisions []Decision, uses map[string][]string, unsure map[string]string) []Decision {
	settled := slices.Clone(decisions)
	for i, d := range settled {
		by, why := uses[d.ID], unsure[d.ID]
		switch {
		case !d.Going():
		case len(by) > 0:
			settled[i].Step, settled[i].Why, settled[i].Due = InUse, by, time.Time{}
		case why != "" && d.Step == Deprecate:
			settled[i].Step, settled[i].Why, settled[i].Due = Keep, []string{why}, time.Time{}
		case why != "":
			settled[i].Step, settled[i].Why = Wait, []string{why}
		}
	}
	return settled
}

// String is the decision in words: "keep: daily 3/7", "retire on 2026-03-04 03:30 UTC: no rule keeps it".
func (d Decision) String() string {
	said := string(d.Step)
	switch d.Step {
	case InUse:
		said = "keep, in use by"
	case Restore:
		said = "keep, no longer deprecated"
	case Wait:
		said = "deprecated, until " + job.Moment(d.Due)
	case Deprecate:
		said = "deprecate now, retire from " + job.Moment(d.Due)
	case Unshare:
		said = "share no longer, retire from " + job.Moment(d.Due.Add(Shown))
	case Disable:
		said = "disable now"
	case Keep, Retire:
	}
	return said + ": " + strings.Join(d.Why, "; ")
}
