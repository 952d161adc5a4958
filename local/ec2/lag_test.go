package ec2_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"pgregory.net/rapid"

	"goldsmith/local/ec2"
)

func TestANewInstanceMayBeUnknownWithinTheLag(t *testing.T) {
	inWorld(t, ec2.Options{Lag: 10 * time.Second}, func(t *testing.T, r *rig) {
		seen := map[string]int{}
		for range 20 {
			id := aws.ToString(r.run().InstanceId)
			time.Sleep(5 * time.Second)
			_, err := r.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{InstanceIds: []string{id}})
			seen[code(err)]++
			time.Sleep(5 * time.Second)
			r.instance(id) // Fails the test when it is not there.
		}
		if len(seen) != 2 || seen[""] == 0 || seen["InvalidInstanceID.NotFound"] == 0 {
			t.Errorf("half way through the lag: %v, want some known and some not", seen)
		}
	})
}

func TestAChangeMayBeUnseenWithinTheLag(t *testing.T) {
	inWorld(t, ec2.Options{Lag: 10 * time.Second}, func(t *testing.T, r *rig) {
		id := r.running()
		found := func(value string) int {
			out, err := r.DescribeInstances(t.Context(),
				&sdk.DescribeInstancesInput{Filters: []types.Filter{filterBy("tag:k", value)}})
			if err != nil {
				t.Fatal(err)
			}
			return len(out.Reservations)
		}
		r.wantCode("", r.tag(id, "k", "old"))
		time.Sleep(11 * time.Second)
		same(t, "after the lag, found", found("old"), 1)
		r.wantCode("", r.tag(id, "k", "new"))
		old, now := map[int]bool{}, map[int]bool{}
		for range 30 {
			time.Sleep(100 * time.Millisecond)
			old[found("old")], now[found("new")] = true, true
		}
		same(t, "found by the old value", old, map[int]bool{0: true, 1: true})
		same(t, "found by the new value", now, map[int]bool{0: true, 1: true})
		time.Sleep(11 * time.Second)
		same(t, "found at last", []int{found("old"), found("new")}, []int{0, 1})
	})
}

// story is what one seed makes of the same calls made from many goroutines.
func story(t *testing.T, seed uint64, reverse bool) string {
	var told string
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, ec2.Options{Seed: seed})
		var ids []string
		for n := range 8 {
			ids = append(ids, r.running(func(in *sdk.RunInstancesInput) {
				in.TagSpecifications = []types.TagSpecification{spec("instance", "Name", fmt.Sprint(n))}
			}))
		}
		order := slices.Clone(ids)
		if reverse {
			slices.Reverse(order)
		}
		var callers sync.WaitGroup
		for _, id := range order {
			callers.Go(func() {
				if err := r.stop(id); err != nil {
					t.Error(err)
				}
				if _, err := r.CreateImage(t.Context(),
					&sdk.CreateImageInput{InstanceId: &id, Name: aws.String("of " + id), NoReboot: aws.Bool(true)}); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		r.settle()
		for _, id := range ids {
			images, err := r.DescribeImages(t.Context(),
				&sdk.DescribeImagesInput{Filters: []types.Filter{filterBy("source-instance-id", id)}})
			if err != nil {
				t.Fatal(err)
			}
			times := r.world.Times(id)
			told += fmt.Sprintln(id, times.Stop, times.Snapshots, aws.ToString(images.Images[0].ImageId),
				aws.ToString(images.Images[0].BlockDeviceMappings[0].Ebs.SnapshotId))
		}
	})
	return told
}

func TestASeedReplaysWhateverTheOrder(t *testing.T) {
	one, other := story(t, 3, false), story(t, 3, true)
	if one != other {
		t.Errorf("one seed, two stories:\n%s\n%s", one, other)
	}
	if one == story(t, 4, false) {
		t.Error("two seeds, one story")
	}
}

// TestRandomCallsKeepTheirPromises plays random calls on one instance and holds
// what must always be so: only documented errors, nothing in between for good,
// every image available with its snapshot, and no writes while stopped.
func TestRandomCallsKeepTheirPromises(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		steps := rapid.SliceOfN(rapid.IntRange(0, 5), 1, 25).Draw(rt, "steps")
		wait := rapid.SliceOfN(rapid.IntRange(0, 90), len(steps), len(steps)).Draw(rt, "wait")
		var broken []string
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, ec2.Options{Seed: seed, Lag: time.Duration(seed%3) * time.Second})
			id := r.running()
			time.Sleep(5 * time.Second)
			for n, step := range steps {
				if c := code(r.step(id, step, n)); !slices.Contains(expected, c) && (step < 4 || c != "InvalidParameterValue") {
					broken = append(broken, fmt.Sprintf("step %d ends in %s", n, c))
				}
				time.Sleep(time.Duration(wait[n]) * time.Second)
			}
			r.settle()
			broken = append(broken, r.brokenPromises(id)...)
		})
		if len(broken) > 0 {
			rt.Fatal(strings.Join(broken, "\n"))
		}
	})
}

var expected = []string{"", "IncorrectInstanceState", "SnapshotCreationPerVolumeRateExceeded",
	"ConcurrentSnapshotLimitExceeded"}

func (r *rig) step(id string, step, n int) error {
	switch step {
	case 0, 1:
		return r.stop(id)
	case 2:
		return r.start(id)
	case 3:
		_, err := r.RebootInstances(r.t.Context(), &sdk.RebootInstancesInput{InstanceIds: []string{id}})
		return err
	}
	_, err := r.CreateImage(r.t.Context(),
		&sdk.CreateImageInput{InstanceId: &id, Name: aws.String(fmt.Sprint("image ", n)), NoReboot: aws.Bool(step == 4)})
	return err
}

func (r *rig) brokenPromises(id string) []string {
	var broken []string
	state := r.world.State(id)
	if state != ec2.Running && state != ec2.Stopped {
		broken = append(broken, "the instance ends "+state.String())
	}
	images, err := r.DescribeImages(r.t.Context(), &sdk.DescribeImagesInput{Owners: []string{"self"}})
	if err != nil {
		return append(broken, err.Error())
	}
	for _, img := range images.Images {
		if img.State != "available" || r.world.Taken(aws.ToString(img.ImageId)).Snapshots != 1 {
			broken = append(broken, fmt.Sprintf("image %s ends %s", aws.ToString(img.Name), img.State))
		}
	}
	volume := aws.ToString(r.instance(id).BlockDeviceMappings[0].Ebs.VolumeId)
	before := r.world.Writes(volume)
	time.Sleep(time.Hour)
	if wrote := r.world.Writes(volume) != before; wrote != (state == ec2.Running) {
		broken = append(broken, fmt.Sprintf("%s and writing: %v", state, wrote))
	}
	return broken
}
