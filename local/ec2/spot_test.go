package ec2_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
)

func spotUntil(ends time.Time) func(*sdk.RunInstancesInput) {
	return func(in *sdk.RunInstancesInput) {
		spot(types.SpotInstanceTypePersistent)(in)
		in.InstanceMarketOptions.SpotOptions.ValidUntil = aws.Time(ends)
	}
}

func (r *rig) spotRequest() types.SpotInstanceRequest {
	r.t.Helper()
	out, err := r.DescribeSpotInstanceRequests(r.t.Context(), nil)
	r.wantCode("", err)
	return out.SpotInstanceRequests[0]
}

// API reference, SpotMarketOptions.ValidUntil; User Guide, "Spot Instance request states": cancelled.
func TestSpotRequestsExpire(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		id := r.running(spotUntil(time.Now().Add(time.Hour)))
		r.wantCode("", r.stop(id))
		time.Sleep(50 * time.Minute)
		same(t, "before", r.spotRequest().State, types.SpotInstanceStateDisabled)
		time.Sleep(time.Hour)
		same(t, "after", r.spotRequest().State, types.SpotInstanceStateCancelled)
		r.wantCode("IncorrectSpotRequestState", r.start(id))
		same(t, "instance", r.instance(id).State.Name, types.InstanceStateNameStopped)
		_, err := r.TerminateInstances(t.Context(), &sdk.TerminateInstancesInput{InstanceIds: []string{id}})
		r.wantCode("", err)
		r.settle()
		same(t, "after its instance", r.spotRequest().State, types.SpotInstanceStateCancelled)
	})
}

// One that runs goes on running, and cannot be stopped as one of a request that stands.
func TestExpiredSpotRequestLeavesItsInstance(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		id := r.running(spotUntil(time.Now().Add(time.Hour)))
		time.Sleep(2 * time.Hour)
		same(t, "request", r.spotRequest().State, types.SpotInstanceStateCancelled)
		same(t, "instance", r.instance(id).State.Name, types.InstanceStateNameRunning)
		r.wantCode("IncorrectSpotRequestState", r.stop(id))
	})
}

// hashicorp/terraform-provider-aws#33399: between a stop and disabled the request is active, marked-for-stop.
func TestSpotInstancesStartOnceTheirRequestIsDisabled(t *testing.T) {
	timing := ec2.DefaultTiming()
	timing.SpotDisabled = ec2.Span{Min: time.Minute, Max: time.Minute}
	inWorld(t, ec2.Options{Timing: timing}, func(t *testing.T, r *rig) {
		id := r.running(spot(types.SpotInstanceTypePersistent))
		r.wantCode("", r.stop(id))
		for r.instance(id).State.Name != types.InstanceStateNameStopped {
			same(t, "stopping", aws.ToString(r.spotRequest().Status.Code), "marked-for-stop")
			time.Sleep(time.Second)
		}
		same(t, "state", r.spotRequest().State, types.SpotInstanceStateActive)
		same(t, "status", aws.ToString(r.spotRequest().Status.Code), "marked-for-stop")
		r.wantCode("IncorrectSpotRequestState", r.start(id))
		time.Sleep(time.Minute)
		same(t, "state", r.spotRequest().State, types.SpotInstanceStateDisabled)
		r.wantCode("", r.start(id))
		r.settle()
		same(t, "running", r.spotRequest().State, types.SpotInstanceStateActive)
	})
}

// API reference, SpotMarketOptions.
func TestSpotOptionsThatEC2Refuses(t *testing.T) {
	for name, o := range map[string]types.SpotMarketOptions{
		"persistent, ended by interruptions": {SpotInstanceType: types.SpotInstanceTypePersistent},
		"one-time, stopped by interruptions": {
			InstanceInterruptionBehavior: types.InstanceInterruptionBehaviorStop},
		"one-time with an end": {ValidUntil: aws.Time(time.Now().Add(time.Hour))},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, ec2.Options{}, func(_ *testing.T, r *rig) {
				_, err := r.RunInstances(r.t.Context(), &sdk.RunInstancesInput{ImageId: aws.String(ec2.ImageX86),
					InstanceType: types.InstanceTypeT3Micro, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
					InstanceMarketOptions: &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot, SpotOptions: &o}})
				r.wantCode("InvalidParameterCombination", err)
			})
		})
	}
}
