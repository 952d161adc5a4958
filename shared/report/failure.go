package report

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// Failure is a failure as a person needs it: what failed, what Goldsmith did
// about it, and what to do now.
type Failure struct{ What, Did, Do string }

// broke speaks of a run that could not be done.
func broke(run ledger.Run) *Failure {
	switch {
	case run.Execution == "" && run.Started.IsZero():
		return &Failure{
			What: run.Problem, Did: untouched,
			Do: again(run) + ". Why its schedule started nothing: operations guide, \"no-success-of-PLAN\".",
		}
	case run.Cut == "ABORTED":
		return &Failure{
			What: run.Problem, Did: "The execution was stopped. " + afterwards, Do: again(run),
		}
	case run.Cut != "":
		return &Failure{What: run.Problem, Did: afterwards, Do: lookAtIt}
	default:
		return brokenRun(run.Problem, run.Do)
	}
}

// again is what to do about a run that did not make its images.
func again(run ledger.Run) string {
	do, of := "Run the plan now, if its images should not wait for its next time", ""
	if r := run.Request; r != nil && r.Source != "" {
		do, of = "Ask again, if it is still wanted", " --source "+r.Source
	}
	if run.Plan == "" || run.Plan == "unknown" { // Its input could not be read.
		return do
	}
	return do + ": goldsmith run " + run.Plan + of
}

const (
	// afterwards is what happens once a run has ended early.
	afterwards = "What it had stopped is started again, tried every few minutes until it runs. What is not named here " +
		"was not touched."
	lookAtIt = "Look at the execution for the cause, then run the plan again."
)

func brokenRun(problem, do string) *Failure {
	what := without(problem, do)
	if more, nothing := strings.CutPrefix(do, untouched); nothing {
		do = cmp.Or(strings.TrimSpace(more), "Correct what it says, then ask again.")
		return &Failure{What: what, Did: "Goldsmith ended the run. " + untouched, Do: do}
	}
	return &Failure{
		What: what,
		Did:  "Goldsmith ended the run. " + afterwards,
		Do:   cmp.Or(after(do, "Then run the plan again."), lookAtIt),
	}
}

// after is what to do, and what comes after it where that puts right a refusal of AWS.
func after(do, then string) string {
	if fault.IsRemedy(do) {
		return do + " " + then
	}
	return do
}

// untouched begins what to do about a run that has ended before it touched anything.
const untouched = "Nothing was touched."

// without is a problem without what to do about it, which it ends with.
func without(problem, do string) string {
	if do == "" {
		return problem
	}
	return strings.TrimSuffix(problem, " "+do)
}

// Unseen is what EC2 shows of an instance not looked at since its run was cut off.
const Unseen = "unseen"

// comingBack speaks of an instance whose run was cut off, and that recover brings back: what EC2 showed of it.
func comingBack(r job.Result, region string) *Failure {
	did := "Goldsmith stopped it at " + clock(r.Times.StopSent) + "; EC2 shows it as " + r.Shows +
		". It is started once it is stopped."
	switch {
	case r.Shows == "stopped" && r.Restarted.IsZero():
		did = "Goldsmith stopped it at " + clock(r.Times.StopSent) +
			"; EC2 shows it as stopped. It is started within minutes."
	case r.Shows == Unseen:
		did = "Goldsmith stopped it at " + clock(r.Times.StopSent) +
			"; recover looks at it within minutes, and starts it once it is stopped."
	case !r.Restarted.IsZero(), !r.Times.StartSent.IsZero():
		did = "Goldsmith stopped it at " + clock(r.Times.StopSent) + " and started it at " +
			clock(later(r.Restarted, r.Times.StartSent)) + "; EC2 shows it as " + r.Shows + "."
	}
	do := "Nothing is to be done: Goldsmith looks every few minutes, and says once when it runs."
	if r.Shows == "stopping" {
		do += " If it hangs, force it: aws ec2 stop-instances --force --instance-ids " + r.Source + inRegion(region)
	}
	if r.Shows == "pending" && !r.Times.StartSent.IsZero() {
		do = pending(r.At.Sub(r.Times.StartSent), do)
	}
	return &Failure{What: cmp.Or(without(r.Problem, r.Do), "the run ended early"), Did: did + keptImage(r), Do: do}
}

// starting is how long a start takes at most: EC2 shows an instance as pending for seconds, one of bare metal for
// minutes.
const starting = 15 * time.Minute

// pending is what to do about an instance that has been pending for so long.
func pending(since time.Duration, otherwise string) string {
	if since < starting {
		return otherwise + " If it hangs, look at it in the EC2 console."
	}
	return fmt.Sprintf("Look at it in the EC2 console, since no start takes %s. Goldsmith looks every few minutes, and "+
		"says once when it runs.", Span(since.Truncate(time.Minute)))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// leftStopped speaks of an instance that is down because of us.
func leftStopped(r job.Result, region string) *Failure {
	if r.Shows != "" {
		return comingBack(r, region)
	}
	did := "Goldsmith stopped it"
	if !r.Times.StopSent.IsZero() {
		did += " at " + clock(r.Times.StopSent)
	}
	if r.Times.StartSent.IsZero() {
		did += " and could not bring it back"
	} else {
		did += " and started it at " + clock(r.Times.StartSent) + ", but has not seen it running since"
	}
	return &Failure{
		What: cmp.Or(without(r.Problem, r.Do), "the instance did not come back"),
		Did:  did + "; it goes on trying every few minutes." + keptImage(r),
		Do:   downDo(r, region),
	}
}

// downDo is what to do about an instance that is down: what its problem says if that is a command, or a start.
func downDo(r job.Result, region string) string {
	switch {
	case strings.Contains(r.Do, "aws ec2 "):
		return r.Do
	case r.Do != "" && !r.Times.StartSent.IsZero(): // EC2 has accepted a start.
		return r.Do + " Goldsmith then sees within minutes whether it runs, and starts it if it does not; sooner: " +
			start(r, region)
	case r.Do != "":
		return r.Do + " Goldsmith then starts it within minutes; sooner: " + start(r, region)
	default:
		return bringBack(r, region)
	}
}

func start(r job.Result, region string) string {
	return "aws ec2 start-instances --instance-ids " + r.Source + inRegion(region)
}

// bringBack says how a person brings the instance back. One that was never seen
// stopped may hang in stopping, where EC2 refuses to start it.
func bringBack(r job.Result, region string) string {
	if !r.Times.StartSent.IsZero() { // EC2 has accepted a start, so that it had stopped, and may run by now.
		return "See whether it runs, and start it if it does not: " + start(r, region)
	}
	do := "Start it: " + start(r, region)
	if r.Times.Stopped.IsZero() {
		do += ". If it hangs in stopping, force it first: aws ec2 stop-instances --force --instance-ids " + r.Source +
			inRegion(region)
	}
	return do
}

// broken speaks of a source that failed but is as it was before.
func broken(r job.Result, planName, region string) *Failure {
	if r.Gone {
		return gone(r)
	}
	again := fmt.Sprintf("wait for the next run or ask for one: aws ec2 create-tags --resources %s "+
		"--tags Key=goldsmith:image,Value=%s%s", r.Source, planName, inRegion(region))
	return &Failure{
		What: cmp.Or(without(r.Problem, r.Do), "no reason was recorded"),
		Did:  asBefore(r) + keptImage(r),
		Do:   cmp.Or(after(r.Do, "Then "+again), "Fix the cause, then "+again),
	}
}

// gone speaks of an instance that was terminated.
func gone(r job.Result) *Failure {
	return &Failure{
		What: cmp.Or(without(r.Problem, r.Do), "the instance was terminated during the run"),
		Did:  "Goldsmith brought nothing back: the instance does not exist any more." + keptImage(r),
		Do: "Nothing is to be done for it. If it is missed, launch another of its last image: " +
			job.Command("images", cmp.Or(r.Name, r.Source)) + " shows it, and what the instance was (docs/restore.md).",
	}
}

func asBefore(r job.Result) string {
	switch {
	case r.Kind == job.Snapshot || strings.HasPrefix(r.Source, "snap-"):
		return "Goldsmith left the snapshot as it was."
	case r.Shows == "stopped":
		return "Goldsmith left it stopped."
	case r.Times.Downtime() > 0:
		return fmt.Sprintf("It runs again; it was down for %s.", Span(r.Times.Downtime()))
	case !r.Times.StopSent.IsZero():
		return "Goldsmith saw to it that the instance is as it was before the run."
	default:
		return "Goldsmith did not stop it."
	}
}

// keptImage says what became of an image that the problem does not speak of already, and which one is the source's own
// where a general image was to be made.
func keptImage(r job.Result) string {
	i, own := r.Image, ""
	if r.Raw != nil {
		own = fmt.Sprintf(" Image %s, its own, is kept as its backup.", r.Raw.ID)
	}
	switch {
	case i.ID == "":
		return ""
	case i.State == job.Unproven && own != "":
		return fmt.Sprintf(" The general image %s is kept, unproven, and nothing was rolled to it.", i.ID) + own
	case i.State == "available" && r.General == job.GeneralDue:
		return fmt.Sprintf(" Image %s, its own, is kept as its backup, and nothing was rolled.", i.ID)
	case i.State == job.Unproven:
		return fmt.Sprintf(" Image %s is kept, unproven, and nothing was rolled to it.", i.ID)
	case strings.Contains(r.Problem, i.ID):
		return ""
	case i.State == "available":
		return fmt.Sprintf(" Image %s was made all the same.", i.ID)
	default:
		return fmt.Sprintf(" Image %s is %s.", i.ID, cmp.Or(i.State, "not finished"))
	}
}

// region is the fourth field of an ARN, as AWS lays ARNs out; empty when there is none.
func region(arn string) string {
	if fields := strings.Split(arn, ":"); len(fields) > 3 && fields[0] == "arn" {
		return fields[3]
	}
	return ""
}

func inRegion(region string) string {
	if region == "" {
		return ""
	}
	return " --region " + region
}

func clock(t time.Time) string { return t.Format("15:04 MST") }

// Span is a duration to the second, or to the millisecond below one.
func Span(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
