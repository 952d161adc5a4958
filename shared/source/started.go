package source

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
)

// Start is what became of a start that was sent to an instance which EC2 shows as stopped.
type Start int

const (
	// Unshown means that EC2 shows the stop from before the start, and may not show what came after it yet.
	Unshown Start = iota
	// TakenBack means that EC2 answered "pending" and gave up, for one because a volume's key may not be used.
	TakenBack
	// StoppedAgain means that a person has stopped the instance since. What a person stops stays stopped.
	StoppedAgain
)

const (
	// lag is how long after a call a describe usually may still show the state before it.
	lag = 45 * time.Second
	// longestLag is how long one that still shows the stop from before the start is believed to lag. AWS speaks of
	// minutes (EC2 developer guide, "Ensure idempotency and eventual consistency").
	longestLag = 5 * time.Minute
)

// StartOf tells what became of the start that was sent at that time, by what EC2 shows now.
func StartOf(stopped types.Instance, sent, now time.Time) Start {
	at, byAPI := StoppedAt(stopped)
	switch {
	case byAPI && at.After(sent):
		return StoppedAgain
	case now.Sub(sent) <= lag, byAPI && now.Sub(sent) <= longestLag:
		return Unshown
	default:
		return TakenBack
	}
}

// Before is the state of an instance before a start that was sent to it, as EC2 answers; "" when it does not say.
func Before(out *ec2.StartInstancesOutput, id string) types.InstanceStateName {
	at := slices.IndexFunc(out.StartingInstances, func(c types.InstanceStateChange) bool {
		return aws.ToString(c.InstanceId) == id
	})
	if at < 0 || out.StartingInstances[at].PreviousState == nil {
		return ""
	}
	return out.StartingInstances[at].PreviousState.Name
}

// StartedByOthers reports whether other hands have started the job's instance since its stop was seen, and the job has
// not: a launch time is that of the last start (API reference, Instance).
func StartedByOthers(i types.Instance, j job.Job) bool {
	launched := aws.ToTime(i.LaunchTime)
	return !j.Times.Stopped.IsZero() && j.Times.StartSent.IsZero() && launched.After(j.Times.StopSent) &&
		launched.After(j.Times.Forced)
}

// StoppedByOthers is the warning of an instance that other hands have started and stopped while its image was made.
var StoppedByOthers = job.Reason{
	Code: job.StoppedSince,
	Text: "it was started and stopped again by other hands while its image was made: it stays stopped",
}

// StoppedSince is the warning of an instance that a person has stopped after it was started again.
var StoppedSince = job.Reason{
	Code: job.StoppedSince,
	Text: "Goldsmith started it again, and it was stopped since by other hands: it stays stopped",
}
