// Package report knows how a run is told: what came of it, how long each
// instance was down, what is new, what was left alone and why, and what a
// person has to do now. It only computes; slack and the terminal show it.
package report

import (
	"cmp"
	"slices"
	"time"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
)

// Report is a run as a person reads it. Every list is in a fixed order, so the
// same run always reads the same.
type Report struct {
	Run       string
	Plan      string
	Execution string
	// Scheduled is the time the schedule named or the request's; Started and Ended are zero when unknown.
	Scheduled, Started, Ended time.Time
	// Request is set when somebody asked for the run.
	Request *job.Request
	// Notify is the plan's wish about who hears of it.
	Notify plan.Notify
	// Zone names the plan's: what is told of times is in it, and Scheduled, Started and Ended carry it.
	Zone string
	// Link leads to the run's page; empty where there is none.
	Link string

	Outcome plan.Outcome
	// Broke is set when the run itself failed, whatever became of its sources.
	Broke    *Failure
	Counts   Counts
	Downtime Downtime
	// Sources come left stopped first, then failed, imaged and skipped; by name within each.
	Sources []Source
	// Rolled are templates and aliases that launch the new image now; NotRolled those that were left alone,
	// and Held those that were because somebody rolled them back.
	Rolled, NotRolled, Held []Roll
	// Shared are images that others may launch; NotShared those that are not shared as their plan says.
	Shared, NotShared []Share
	// Copied are copies of images that are there; NotCopied those that could not be made.
	Copied, NotCopied []Copy
	// Rest are those of which no more than their number is known.
	Rest job.Rest
	// Refreshed are the groups that run on what was rolled; NotRefreshed those that do not, or may not.
	Refreshed, NotRefreshed []Refresh
	// Refusals are why sources that a person wanted imaged were left alone.
	Refusals []Group
	// Skips and Warnings are grouped by reason, the most frequent first.
	Skips, Warnings []Group
	// Retiring is what the run did with old images.
	Retiring Retiring
}

// Counts are numbers of sources, and of templates and aliases.
type Counts struct {
	Sources, Imaged, Skipped, Failed, LeftStopped int
	// ComingBack are those of LeftStopped that recover has in hand.
	ComingBack int
	// Refused are sources that a person wanted imaged, and that were left alone.
	Refused                 int
	Rolled, NotRolled, Held int
	Refreshed, NotRefreshed int
	Shared, NotShared       int
	Copied, NotCopied       int
	// OutOfService are members of Auto Scaling groups that were not back in service.
	OutOfService int
	// HooksFailed are sources on which a command of the plan's has failed, or could not be run, and that were imaged.
	HooksFailed int
}

// Downtime is over the sources that were stopped and came back.
type Downtime struct {
	Longest, Total time.Duration
	// Of names the source that was down longest.
	Of string
}

// Source is one source and what became of it.
type Source struct {
	ID, Name string
	Kind     job.Kind
	Ending   job.Ending
	Image    job.Image
	// Raw is the image of the source itself, where Image is a general one; empty where it is not.
	Raw string
	// Downtime is zero when it was not stopped or is not back.
	Downtime time.Duration
	// Boot is how long the image's test instance took to boot; zero when there was none, or it did not.
	Boot time.Duration
	// Shows is EC2's state of one that is on its way back.
	Shows string
	// DownSince is when the stop was sent to a source that is still down.
	DownSince time.Time
	// Failure is set when Ending is Broken or LeftStopped.
	Failure *Failure
}

// Roll is one launch template or alias, and the source whose image it takes.
type Roll struct {
	Source string
	// Region is that of a copy's; empty at home.
	Region string
	job.Rolled
}

// Group is one reason and the sources it holds for.
type Group struct {
	Code job.ReasonCode
	// Text is the sentence they all share; empty when each has its own.
	Text string
	Of   []Reasoned
}

// Reasoned is one source of a group.
type Reasoned struct{ ID, Name, Text string }

// Of builds the report of a run from its record, the results of its jobs in any order, and its plan.
func Of(run ledger.Run, results []job.Result, p plan.Plan) Report {
	zone := Zone(run, p)
	r := Report{
		Run: run.Name, Plan: cmp.Or(run.Plan, p.Name), Execution: run.Execution,
		Scheduled: in(run.Scheduled, zone), Started: in(run.Started, zone), Ended: in(run.Ended, zone),
		Request: run.Request, Notify: p.Notify, Zone: zone.String(),
	}
	if run.Problem != "" {
		r.Broke = broke(run)
	}
	skips, refusals, warnings := groups{}, groups{}, groups{}
	for _, result := range inOrder(results) {
		r.add(shownIn(result, zone))
		r.addRefreshed(result, p.Roll.Refresh.Enabled)
		switch {
		case result.Skip == nil:
		case refused(r.Request, result.Skip):
			refusals.add(result, *result.Skip)
		default:
			skips.add(result, *result.Skip)
		}
		for _, warning := range result.Warnings {
			warnings.add(result, warning)
			r.Counts.warned(warning.Code)
		}
	}
	r.Skips, r.Refusals, r.Warnings = skips.list(), refusals.list(), warnings.list()
	r.Outcome = outcome(r.Broke != nil || r.unanswered() || r.held(), r.Counts)
	if run.Retiring != "" {
		r.Retiring.Failed = []Retired{everything(run.Retiring)}
	}
	return r.With(nil)
}

// Wanted reports whether people are to hear of a run that ended like this: when their plan
// wants it, and always of an instance that is down.
func (r Report) Wanted() bool {
	return len(r.Notify.On) == 0 || r.Counts.LeftStopped > 0 || slices.Contains(r.Notify.On, r.Outcome)
}

// Urgent reports whether somebody should look at it now.
func (r Report) Urgent() bool { return r.Outcome != plan.OK }

// EndedAs are the sources that ended this way, in the report's order.
func (r Report) EndedAs(ending job.Ending) []Source {
	first, found := slices.BinarySearchFunc(r.Sources, rank(ending), func(s Source, want int) int {
		return rank(s.Ending) - want
	})
	if !found {
		return nil
	}
	last := first
	for last < len(r.Sources) && rank(r.Sources[last].Ending) == rank(ending) {
		last++
	}
	return r.Sources[first:last]
}

// Down are the sources that were left stopped: those that are on their way back, or the others.
func (r Report) Down(comingBack bool) []Source {
	return slices.DeleteFunc(slices.Clone(r.EndedAs(job.LeftStopped)),
		func(s Source) bool { return (s.Shows != "") != comingBack })
}

func inOrder(results []job.Result) []job.Result {
	return slices.SortedFunc(slices.Values(results), func(a, b job.Result) int {
		return cmp.Or(
			rank(a.Ending)-rank(b.Ending),
			cmp.Compare(nameOf(a), nameOf(b)),
			cmp.Compare(a.Source, b.Source),
		)
	})
}

// rank puts first what a person must see first. An unknown ending is told as a failure.
func rank(e job.Ending) int {
	switch e {
	case job.LeftStopped:
		return 0
	case job.Imaged:
		return 2
	case job.Skipped:
		return 3
	case job.Broken:
		return 1
	}
	return 1
}

func nameOf(r job.Result) string { return cmp.Or(r.Name, r.Source) }

// Zone is what a run's times are told in: the zone of its plan, or UTC where that is not known.
func Zone(run ledger.Run, p plan.Plan) *time.Location {
	return zoneNamed(cmp.Or(run.Timezone, p.Timezone))
}

func zoneNamed(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return zone
}

// shownIn is a result of which the moments that are told are in a zone.
func shownIn(r job.Result, zone *time.Location) job.Result {
	r.Restarted = in(r.Restarted, zone)
	r.Times.StopSent, r.Times.StartSent = in(r.Times.StopSent, zone), in(r.Times.StartSent, zone)
	return r
}

// in is a moment as a zone's clocks show it; one that is not known stays so.
func in(t time.Time, zone *time.Location) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(zone)
}

func (r *Report) add(result job.Result) {
	s := Source{
		ID: result.Source, Name: nameOf(result), Kind: result.Kind, Ending: result.Ending,
		Image: result.Image, Downtime: result.Times.Downtime(), Boot: result.Times.Boot(), Shows: result.Shows,
	}
	if result.Raw != nil {
		s.Raw = result.Raw.ID
	}
	switch rank(result.Ending) {
	case rank(job.LeftStopped):
		if r.Counts.LeftStopped++; s.Shows != "" {
			r.Counts.ComingBack++
		}
		s.Downtime, s.DownSince = 0, result.Times.StopSent
		s.Failure = leftStopped(result, region(r.Execution))
	case rank(job.Imaged):
		r.Counts.Imaged++
	case rank(job.Skipped):
		if refused(r.Request, result.Skip) {
			r.Counts.Refused++
		} else {
			r.Counts.Skipped++
		}
	default:
		r.Counts.Failed++
		s.Ending = job.Broken
		s.Failure = broken(result, r.Plan, region(r.Execution))
	}
	r.Counts.Sources++
	r.Sources = append(r.Sources, s)
	r.addDowntime(s)
	r.addShared(result)
	r.addCopies(result)
	r.addRolled(s.Name, "", result.Rolled)
	for _, c := range result.Copies {
		r.addRolled(s.Name, c.Region, c.Rolled)
		if c.Rest != nil {
			r.addRest(*c.Rest)
		}
	}
	if result.Rest != nil {
		r.addRest(*result.Rest)
	}
}

func (r *Report) addDowntime(s Source) {
	r.Downtime.Total += s.Downtime
	if s.Downtime > r.Downtime.Longest {
		r.Downtime.Longest, r.Downtime.Of = s.Downtime, s.Name
	}
}

func (r *Report) addRolled(source, region string, rolled []job.Rolled) {
	for _, each := range rolled {
		if each.Held {
			r.Counts.Held++
			r.Held = append(r.Held, Roll{Source: source, Region: region, Rolled: each})
			continue
		}
		if each.Problem != "" {
			r.Counts.NotRolled++
			r.NotRolled = append(r.NotRolled, Roll{Source: source, Region: region, Rolled: each})
			continue
		}
		r.Counts.Rolled++
		r.Rolled = append(r.Rolled, Roll{Source: source, Region: region, Rolled: each})
	}
}

func (r *Report) addRest(rest job.Rest) {
	r.Rest = r.Rest.Plus(rest)
	r.Counts.Rolled += rest.Rolled
	r.Counts.NotRolled += rest.NotRolled
	r.Counts.Held += rest.Held
}

// refused reports whether a person wanted the source imaged and did not get it: they asked
// for it alone and have not taken that back, or it was not left alone for what it is.
func refused(asked *job.Request, skip *job.Reason) bool {
	if skip == nil || skip.Code == job.Withdrawn {
		return false
	}
	return skip.Refuses() || asked != nil && asked.Source != ""
}

// unanswered reports whether a request for one source came to nothing at all.
func (r Report) unanswered() bool {
	return r.Request != nil && r.Request.Source != "" && r.Counts.Sources == 0
}

// warned counts a warning by which a run is not quite done.
func (c *Counts) warned(code job.ReasonCode) {
	if code == job.OutOfService {
		c.OutOfService++
	}
	if code == job.BeforeFailed || code == job.AfterFailed {
		c.HooksFailed++
	}
}

// held reports whether the breaker kept sources from being stopped.
func (r Report) held() bool {
	return slices.ContainsFunc(r.Refusals, func(g Group) bool { return g.Code == job.BreakerOpen })
}

// outcome: skips for what a source is are fine; a run in which nothing that was tried succeeded
// has failed. A template that could not be rolled goes on launching the old
// image, and so does a group that could not be refreshed; an image that could not be shared or copied is not there for
// those who wait for it; a member of a group that does not serve again is missed by its group; and where a command of
// the plan's has failed the image may not be what it should be, or the application may not run: a run with one is not
// quite done.
func outcome(broke bool, c Counts) plan.Outcome {
	bad := c.Failed + c.LeftStopped + c.Refused
	switch {
	case broke, bad > 0 && c.Imaged == 0:
		return plan.Failed
	case bad > 0, c.NotRolled > 0, c.NotRefreshed > 0, c.NotShared > 0, c.NotCopied > 0, c.OutOfService > 0,
		c.HooksFailed > 0:
		return plan.Partial
	default:
		return plan.OK
	}
}
