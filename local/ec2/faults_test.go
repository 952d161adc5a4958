package ec2_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
)

func TestBucketsThrottleAsDocumented(t *testing.T) {
	inWorld(t, ec2.Options{Buckets: true}, func(t *testing.T, r *rig) {
		id := r.running()
		admitted := func(calls int, ask func() error) int {
			count := 0
			for range calls {
				switch err := ask(); code(err) {
				case "":
					count++
				case "RequestLimitExceeded":
					if response, ok := errors.AsType[*awshttp.ResponseError](err); !ok || response.HTTPStatusCode() != 503 {
						t.Errorf("throttled with %v, want HTTP 503", err)
					}
				default:
					t.Fatal(err)
				}
			}
			return count
		}
		describe := func(filters ...types.Filter) func() error {
			return func() error {
				_, err := r.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{Filters: filters})
				return err
			}
		}
		start := func() error { return r.start(id) }
		for name, test := range map[string]struct {
			ask              func() error
			burst, perSecond int
		}{
			"StartInstances":              {start, 5, 2},
			"StopInstances, dry":          {func() error { return dry(r.stopDry(id)) }, 50, 5},
			"CreateTags":                  {func() error { return r.tag(id, "a", "b") }, 100, 10},
			"DescribeInstances":           {describe(), 50, 10},
			"DescribeInstances, filtered": {describe(filterBy("instance-state-name", "running")), 100, 20},
		} {
			if got := admitted(150, test.ask); got != test.burst {
				t.Errorf("%s: %d calls at once, want %d", name, got, test.burst)
			}
			time.Sleep(time.Second)
			if got := admitted(150, test.ask); got != test.perSecond {
				t.Errorf("%s: %d calls a second later, want %d", name, got, test.perSecond)
			}
		}
	})
}

func (r *rig) stopDry(id string) error {
	_, err := r.StopInstances(r.t.Context(), &sdk.StopInstancesInput{InstanceIds: []string{id}, DryRun: aws.Bool(true)})
	return err
}

func dry(err error) error {
	if code(err) == "DryRunOperation" {
		return nil
	}
	return err
}

func TestEveryInstanceTakesAResourceToken(t *testing.T) {
	inWorld(t, ec2.Options{Buckets: true}, func(t *testing.T, r *rig) {
		run := func(n int32) error {
			_, err := r.RunInstances(t.Context(),
				&sdk.RunInstancesInput{ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro", MinCount: &n, MaxCount: &n})
			return err
		}
		r.wantCode("", run(900))
		r.wantCode("RequestLimitExceeded", run(200))
		time.Sleep(50 * time.Second) // 2 instances a second.
		r.wantCode("", run(200))
	})
}

func TestErrorsBeforeAndAfterTheEffect(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		a, b := r.running(), r.running()
		r.world.Inject(ec2.Fault{Action: "StopInstances", Resource: a, Nth: []int{1, 3}, Code: "InternalError"})
		r.world.Inject(ec2.Fault{Action: "StartInstances", Resource: b, Nth: []int{1}, Code: "InternalError", After: true})
		r.world.Inject(ec2.Fault{Action: "CreateTags", Resource: b, Nth: []int{1}, Drop: true})
		r.wantCode("", r.stop(b))
		r.wantCode("InternalError", r.stop(a))
		if r.world.State(a) != ec2.Running {
			t.Errorf("an error before the effect stopped %s", a)
		}
		r.wantCode("", r.stop(a))
		r.wantCode("InternalError", r.stop(a))
		r.settle()
		r.wantCode("InternalError", r.start(b))
		if r.world.State(b) != ec2.Pending {
			t.Errorf("after an error after the effect %s is %s", b, r.world.State(b))
		}
		if err := r.tag(b, "k", "v"); err == nil || code(err) == "InternalError" {
			t.Errorf("a broken connection gives %v", err)
		}
		if tagsOf(r.instance(b).Tags)["k"] != "v" {
			t.Error("a call whose connection broke had no effect")
		}
	})
}

func TestNoCapacityUntilATime(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		id := r.running()
		r.world.Inject(ec2.Fault{Action: "StartInstances", Code: "InsufficientInstanceCapacity",
			Until: time.Now().Add(3 * time.Hour)})
		r.wantCode("", r.stop(id))
		time.Sleep(2 * time.Hour)
		err := r.start(id)
		r.wantCode("InsufficientInstanceCapacity", err)
		if response, ok := errors.AsType[*awshttp.ResponseError](err); !ok || response.HTTPStatusCode() != 500 {
			t.Errorf("%v: a server error is HTTP 500", err)
		}
		time.Sleep(time.Hour)
		r.wantCode("", r.start(id))
	})
}

func TestAStuckInstanceWantsForce(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		id := r.running()
		r.world.Inject(ec2.Fault{Action: "StopInstances", Resource: id, Stuck: true})
		r.wantCode("", r.stop(id))
		r.settle()
		if r.world.State(id) != ec2.Stopping {
			t.Fatalf("a stuck instance is %s", r.world.State(id))
		}
		_, err := r.StopInstances(t.Context(), &sdk.StopInstancesInput{InstanceIds: []string{id}, Force: aws.Bool(true)})
		r.wantCode("", err)
		r.settle()
		if r.world.State(id) != ec2.Stopped {
			t.Errorf("a forced instance is %s", r.world.State(id))
		}
	})
}

func TestAWedgedInstanceIsNotHelpedByForce(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		id := r.running()
		r.world.Inject(ec2.Fault{Action: "StopInstances", Resource: id, Wedged: true})
		for _, force := range []bool{false, true} {
			_, err := r.StopInstances(t.Context(), &sdk.StopInstancesInput{InstanceIds: []string{id}, Force: &force})
			r.wantCode("", err)
			r.settle()
			if r.world.State(id) != ec2.Stopping {
				t.Errorf("a wedged instance is %s; forced %v", r.world.State(id), force)
			}
		}
	})
}

func TestAStartThatFallsBack(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		id := r.running()
		r.world.Inject(ec2.Fault{Action: "StartInstances", Resource: id, Nth: []int{1},
			StartReason: "Client.InvalidKMSKey.InvalidState",
			Message:     "Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state"})
		r.wantCode("", r.stop(id))
		r.settle()
		r.wantCode("", r.start(id))
		r.settle()
		if i := r.instance(id); i.State.Name != "stopped" ||
			aws.ToString(i.StateReason.Code) != "Client.InvalidKMSKey.InvalidState" {
			t.Errorf("%v %+v", i.State.Name, i.StateReason)
		}
		r.wantCode("", r.start(id))
		r.settle()
		if r.world.State(id) != ec2.Running {
			t.Errorf("the second start ends in %s", r.world.State(id))
		}
	})
}

func TestImagesThatEndOtherwise(t *testing.T) {
	for _, state := range []string{"failed", "error", "invalid"} {
		inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
			id := r.running()
			r.world.Inject(ec2.Fault{Action: "CreateImage", Resource: id, ImageState: state, Message: "no luck"})
			ami := r.createImage(id, "unlucky")
			r.settle()
			if img := r.image(ami); string(img.State) != state || aws.ToString(img.StateReason.Message) != "no luck" {
				t.Errorf("image is %s for %+v", img.State, img.StateReason)
			}
			events := r.heard("EC2 AMI State Change")
			if (state == "failed") != (len(events) == 1 && events[0].text("ErrorMessage") == "no luck") {
				t.Errorf("%s: only failed has an event, got %+v", state, events)
			}
		})
	}
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		id := r.running()
		r.world.Inject(ec2.Fault{Action: "CreateImage", PendingAgain: time.Minute})
		ami := r.createImage(id, "wavering")
		var states []types.ImageState
		for range 3600 {
			time.Sleep(500 * time.Millisecond)
			if now := r.image(ami).State; len(states) == 0 || states[len(states)-1] != now {
				states = append(states, now)
			}
		}
		if fmt.Sprint(states) != "[pending available pending available]" {
			t.Errorf("states %v", states)
		}
	})
}

func TestAFaultMayThrottleOrDelayOrBeAChance(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		id := r.running()
		r.world.Inject(ec2.Fault{Action: "CreateTags", PerSecond: 1})
		r.world.Inject(ec2.Fault{Action: "CreateImage", Resource: id, Delay: 20 * time.Hour})
		r.world.Inject(ec2.Fault{Action: "DescribeVolumes", Chance: 0.3, Code: "Unavailable"})
		ok, failed := 0, 0
		for n := range 40 {
			time.Sleep(250 * time.Millisecond)
			if r.tag(id, "n", fmt.Sprint(n)) == nil {
				ok++
			}
			if _, err := r.DescribeVolumes(t.Context(), &sdk.DescribeVolumesInput{}); err != nil {
				failed++
			}
		}
		if ok != 10 || failed < 4 || failed > 22 {
			t.Errorf("%d of 40 calls in 10 s at 1 a second; %d of 40 failed at 0.3", ok, failed)
		}
		ami := r.createImage(id, "slow")
		time.Sleep(20 * time.Hour)
		if r.image(ami).State != "pending" {
			t.Error("the image was made in less than its 20 hours")
		}
		time.Sleep(time.Hour)
		if r.image(ami).State != "available" {
			t.Errorf("after 21 hours the image is %s", r.image(ami).State)
		}
	})
}
