package bound_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"pgregory.net/rapid"

	"goldsmith/shared/bound"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
)

// A note of a stop says whose it was, unless the instance runs without having been started since, or the tag was
// written by other hands.
func TestStoppedBy(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		state := rapid.SampledFrom(types.InstanceStateName("").Values()).Draw(r, "state")
		started := rapid.SampledFrom([]time.Duration{-time.Hour, time.Hour}).Draw(r, "started")
		value := bound.LastStop(job.Job{Run: job.Run{Plan: "nightly", Name: "r"}}, night)
		forged := rapid.SampledFrom([]string{"", "yes", "nightly r", "nightly r yesterday", "nightly r 1 2"})
		theirs := rapid.Bool().Draw(r, "theirs")
		if theirs {
			value = forged.Draw(r, "value")
		}
		run, at := bound.StoppedBy(types.Instance{
			InstanceId: aws.String("i-1"), State: &types.InstanceState{Name: state}, LaunchTime: aws.Time(night.Add(started)),
			Tags: []types.Tag{{Key: aws.String(tag.LastStop), Value: aws.String(value)}},
		})
		want := ""
		if !theirs && (state != types.InstanceStateNameRunning || started > 0) {
			want = "r"
		}
		if run != want || want != "" && !at.Equal(night) {
			r.Errorf("%q at %s, want %q", run, at, want)
		}
	})
}
