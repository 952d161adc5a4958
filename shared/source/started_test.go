package source_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"pgregory.net/rapid"

	"goldsmith/shared/source"
)

// Whatever a describe that lags shows of the stop from before the start, the start counts as taken back only once EC2
// would have shown what came after it; and what was stopped after it is a person's doing.
func TestStartOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sent := time.Date(2026, 3, 1, 2, 31, 7, 0, time.UTC)
		stopped := sent.Add(-time.Duration(rapid.IntRange(-3600, 3600).Draw(t, "stopped before the start")) * time.Second)
		now := sent.Add(time.Duration(rapid.IntRange(0, 7200).Draw(t, "looked after")) * time.Second)
		i := types.Instance{StateTransitionReason: aws.String("Server.InternalError")}
		byAPI := rapid.Bool().Draw(t, "EC2 names the moment of a stop")
		if byAPI {
			i.StateTransitionReason = aws.String("User initiated (" + stopped.Format(time.DateTime) + " GMT)")
		}
		want := source.TakenBack
		switch {
		case byAPI && stopped.After(sent):
			want = source.StoppedAgain
		case now.Sub(sent) <= 45*time.Second, byAPI && now.Sub(sent) <= 5*time.Minute:
			want = source.Unshown
		}
		if got := source.StartOf(i, sent, now); got != want {
			t.Errorf("it is %d, want %d", got, want)
		}
	})
}
