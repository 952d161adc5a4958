package bound

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// LastStop is the value of the tag goldsmith:last-stop of a source that is about to be stopped.
func LastStop(j job.Job, now time.Time) string {
	return strings.Join([]string{j.Run.Plan, j.Run.Name, now.UTC().Format(time.RFC3339)}, " ")
}

// LastStops is what that tag begins with on all sources of a plan, as a value of EC2's filters.
func LastStops(plan string) string { return plan + " *" }

// StoppedBy is the run that has stopped the instance last, and when, as its tag says it; "" where it says nothing. An
// instance that runs and was not started since has not been stopped.
func StoppedBy(i types.Instance) (run string, at time.Time) {
	parts := strings.Split(source.Tags(i)[tag.LastStop], " ")
	if len(parts) != 3 {
		return "", at
	}
	at, err := time.Parse(time.RFC3339, parts[2])
	if err != nil || source.State(i) == types.InstanceStateNameRunning && !aws.ToTime(i.LaunchTime).After(at) {
		return "", at
	}
	return parts[1], at
}
