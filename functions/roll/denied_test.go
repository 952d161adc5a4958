package roll_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/test/steptest"
)

// A call that is denied is an error, or the problem of a target; tried again, everything is rolled as it would have
// been.
func TestRollWithACallDenied(t *testing.T) {
	both := func(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
		template(s, "second", "web", before)
		put(s, alias, before)
		return subscribed(s)
	}
	steptest.Each[job.Job, job.Job]{
		Scene: both, Between: func(*steptest.Stage) { time.Sleep(time.Hour) },
		Noticed: func(s *steptest.Stage, call string, err error, j job.Job) {
			for _, r := range j.Rolled {
				if r.Problem != "" {
					return
				}
			}
			if err == nil {
				s.Errorf("%s was denied, and it is told nowhere", call)
			}
		},
		End: func(s *steptest.Stage) (end string) {
			for _, name := range []string{"fleet", "second"} {
				end += name + " launches " + aws.ToString(standard(versions(s, name)).LaunchTemplateData.ImageId) + "\n"
			}
			for t, err := range s.Ledger.Kept.Targets(s.Context(), "web") {
				s.Must(err)
				end += fmt.Sprintf("%s: %v, begun %t\n", t.Title, images(t), t.Begun != nil)
			}
			value, _ := s.Parameters.Value(alias)
			return end + value
		},
	}.Play(t)
}
