package source

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// General is whether a general image is to be made of the instance's own, and what to know where the plan wants one and
// none is made.
func (f Facts) General() (job.General, []job.Reason) {
	switch {
	case !f.Plan.Generalize.Enabled:
		return "", nil
	case strings.EqualFold(string(f.Instance.Platform), string(types.PlatformValuesWindows)):
		return leftRaw("it runs Windows, and general images are made of Linux only")
	case strings.HasPrefix(string(f.Instance.InstanceType), "mac"):
		return leftRaw("it runs macOS, and general images are made of Linux only")
	default:
		return job.GeneralWanted, nil
	}
}

// GeneralOfSnapshot is the same of a snapshot.
func GeneralOfSnapshot(p plan.Plan) (job.General, []job.Reason) {
	if !p.Generalize.Enabled {
		return "", nil
	}
	return leftRaw("it is a snapshot, and general images are made of instances only")
}

func leftRaw(why string) (job.General, []job.Reason) {
	return job.GeneralLeft, []job.Reason{{Code: job.LeftRaw,
		Text: why + ": its image is a backup, and is neither rolled nor shared nor copied"}}
}
