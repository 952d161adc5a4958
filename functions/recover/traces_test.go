package recovery_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	recovery "goldsmith/functions/recover"
	"goldsmith/local/ec2"
	"goldsmith/shared/fault"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// children are executions that work on one source, by the end of their ARNs: how they stand, and since when.
type children struct {
	*sfn.Client
	ended map[string]time.Time
}

const child = "arn:aws:states:eu-central-1:123456789012:execution:goldsmith/sources:"

func (c children) DescribeExecution(
	ctx context.Context, in *sfn.DescribeExecutionInput, o ...func(*sfn.Options),
) (*sfn.DescribeExecutionOutput, error) {
	at, known := c.ended[strings.TrimPrefix(aws.ToString(in.ExecutionArn), child)]
	if !known {
		return c.Client.DescribeExecution(ctx, in, o...)
	}
	out := &sfn.DescribeExecutionOutput{
		ExecutionArn: in.ExecutionArn, Status: "ABORTED", StopDate: &at, Input: aws.String("{}"),
	}
	if at.IsZero() {
		out.Status, out.StopDate = "RUNNING", nil
	}
	return out, nil
}

// GetExecutionHistory is of an execution that stopped nothing.
func (c children) GetExecutionHistory(
	context.Context, *sfn.GetExecutionHistoryInput, ...func(*sfn.Options),
) (*sfn.GetExecutionHistoryOutput, error) {
	return &sfn.GetExecutionHistoryOutput{}, nil
}

// What a tag that anybody may write leads to: an instance that is stopped is named to people, once, and not started;
// of one that runs, or is gone, the tag is taken off or left.
func TestTagsThatProveNothing(t *testing.T) {
	for name, c := range map[string]struct {
		value   string
		state   ec2.State
		says    string
		tagged  bool // The tag is left.
		refused string
	}{
		"another machine's execution": {
			value: "arn:aws:states:eu-central-1:123456789012:execution:other:run", state: ec2.Stopped,
			says: "the tag names no execution of Goldsmith's",
		},
		"an execution that there never was": {
			value: child + "never", state: ec2.Stopped,
			says: "Step Functions does not know the execution that the tag names",
		},
		"an execution that goes on": {value: child + "on", state: ec2.Stopped, tagged: true},
		"an execution that has just ended": {
			value: child + "just-now", state: ec2.Stopped, tagged: true,
		},
		"an execution that stopped nothing": {
			value: child + "ended", state: ec2.Stopped, says: "is stopped, and Goldsmith does not start it",
		},
		"no value":              {state: ec2.Stopped},
		"no value, and it runs": {state: ec2.Running},
		"it runs":               {value: child + "ended", state: ec2.Running},
		"it is gone":            {value: child + "ended", state: ec2.Terminated, tagged: true},
		"the execution cannot be asked": {
			value: child + "denied", state: ec2.Stopped, tagged: true, refused: "DescribeExecution",
			says: "following tag goldsmith:stopped",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				s.Set(s.Web, c.state)
				s.Must(s.Cloud.SetTags(s.Web, map[string]string{tag.Stopped: c.value}))
				time.Sleep(time.Minute)
				if c.refused != "" {
					s.Refuse(c.refused, "AccessDeniedException", 2)
				}
				now := time.Now()
				a := accountOf(s, nightlyOf(s))
				a.Executions = children{s.SFN, map[string]time.Time{
					"on": {}, "just-now": now.Add(-time.Minute), "ended": now.Add(-time.Hour),
				}}
				_, err := recovery.New(a).Handle(s.Context(), s.Sample("sweep"))
				s.Must(err)
				_, tagged := s.Tags(s.Web)[tag.Stopped]
				s.Same("tagged", tagged, c.tagged)
				s.Same("state", s.Cloud.State(s.Web), c.state)
				said := ""
				for _, m := range s.Slack.Messages() {
					said += m.Terminal(false)
				}
				s.Same("told", strings.Contains(said, c.says) && (c.says != "" || !strings.Contains(said, s.Web)), true)
			})
		})
	}
}

// Tags of many instances that are back come off together, two hundred a call.
func TestTagsOfManyComeOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		for n := range 205 {
			id := s.Launch(fmt.Sprint("web-", n), nil)
			s.Must(s.Cloud.SetTags(id, map[string]string{tag.Stopped: ""}))
		}
		sweeps(s)
		var named []int
		for _, form := range s.Sent("DeleteTags") {
			n := 0
			for key := range form {
				if strings.HasPrefix(key, "ResourceId.") {
					n++
				}
			}
			named = append(named, n)
		}
		s.Same("calls", named, []int{200, 5})
	})
}

// Tags that cannot be taken off are no failure; EC2 that is busy is.
func TestTagsThatStay(t *testing.T) {
	for code, fails := range map[string]bool{"UnauthorizedOperation": false, "RequestLimitExceeded": true} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			s.Must(s.Cloud.SetTags(s.Web, map[string]string{tag.Stopped: ""}))
			s.Cloud.Inject(ec2.Fault{Action: "DeleteTags", Code: code})
			_, err := account(s, nightlyOf(s)).Handle(s.Context(), s.Sample("sweep"))
			s.Same(code, errors.As(err, new(*fault.Transient)) || fault.IsTransient(err), fails)
		})
	}
}
