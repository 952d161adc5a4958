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

func TestDescribesMayBeLateButNeverLaterThanTheLag(t *testing.T) {
	inWorld(t, ec2.Options{Lag: 10 * time.Second}, func(t *testing.T, r *rig) {
		late, early := 0, 0
		for range 20 {
			id := aws.ToString(r.run().InstanceId)
			time.Sleep(5 * time.Second)
			out, err := r.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{InstanceIds: []string{id}})
			switch {
			case code(err) == "InvalidInstanceID.NotFound":
				late++
			case err != nil || len(out.Reservations) != 1:
				t.Fatal(err, out)
			default:
				early++
			}
			time.Sleep(5 * time.Second)
			r.instance(id) // Fails the test when it is not there.
		}
		if late == 0 || early == 0 {
			t.Errorf("%d late and %d early answers", late, early)
		}
		id := r.running()
		r.settle()
		r.wantCode("", r.tag(id, "k", "v"))
		time.Sleep(11 * time.Second)
		found, err := r.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{Filters: []types.Filter{filterBy("tag:k", "v")}})
		if err != nil || len(found.Reservations) != 1 {
			t.Errorf("after the lag: %v %+v", err, found)
		}
		r.wantCode("", r.tag(id, "k", "w"))
		seen := map[int]bool{}
		for range 30 {
			time.Sleep(100 * time.Millisecond)
			found, err := r.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{Filters: []types.Filter{filterBy("tag:k", "v")}})
			if err != nil {
				t.Fatal(err)
			}
			seen[len(found.Reservations)] = true
		}
		if !seen[0] || !seen[1] {
			t.Errorf("within the lag of a tag change a filter by the old value found %v", seen)
		}
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
				if _, err := r.CreateImage(t.Context(), &sdk.CreateImageInput{InstanceId: &id, Name: aws.String("of " + id), NoReboot: aws.Bool(true)}); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		r.settle()
		for _, id := range ids {
			images, err := r.DescribeImages(t.Context(), &sdk.DescribeImagesInput{Filters: []types.Filter{filterBy("source-instance-id", id)}})
			if err != nil {
				t.Fatal(err)
			}
			times := r.world.Times(id)
			told += fmt.Sprintln(id, times.Stop, times.Snapshots, aws.ToString(images.Images[0].ImageId), aws.ToString(images.Images[0].BlockDeviceMappings[0].Ebs.SnapshotId))
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

// TestANightOfCallsKeepsItsPromises plays random calls and holds what must
// always be so: a stopped instance's volumes rest, an image's snapshots are
// those of its volumes, and nothing is ever in between for good.
func TestANightOfCallsKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		steps := rapid.SliceOfN(rapid.IntRange(0, 5), 1, 25).Draw(rt, "steps")
		waits := rapid.SliceOfN(rapid.IntRange(0, 90), len(steps), len(steps)).Draw(rt, "waits")
		var wrong []string
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, ec2.Options{Seed: seed, Lag: time.Duration(seed%3) * time.Second})
			id := r.running()
			time.Sleep(5 * time.Second)
			for n, step := range steps {
				var err error
				switch step {
				case 0, 1:
					err = r.stop(id)
				case 2:
					err = r.start(id)
				case 3:
					_, err = r.RebootInstances(t.Context(), &sdk.RebootInstancesInput{InstanceIds: []string{id}})
				default:
					_, err = r.CreateImage(t.Context(), &sdk.CreateImageInput{InstanceId: &id, Name: aws.String(fmt.Sprint("image ", n)), NoReboot: aws.Bool(step == 4)})
				}
				if c := code(err); c != "" && !strings.Contains("IncorrectInstanceState SnapshotCreationPerVolumeRateExceeded ConcurrentSnapshotLimitExceeded", c) {
					wrong = append(wrong, fmt.Sprintf("step %d: %v", n, err))
				}
				time.Sleep(time.Duration(waits[n]) * time.Second)
			}
			r.settle()
			if s := r.world.State(id); s != ec2.Running && s != ec2.Stopped {
				wrong = append(wrong, "the instance ends "+s.String())
			}
			images, err := r.DescribeImages(t.Context(), &sdk.DescribeImagesInput{Owners: []string{"self"}})
			if err != nil {
				t.Fatal(err)
			}
			for _, img := range images.Images {
				if img.State != "available" || r.world.Taken(aws.ToString(img.ImageId)).Snapshots != 1 {
					wrong = append(wrong, fmt.Sprintf("%s ends %s", *img.ImageId, img.State))
				}
			}
			if r.world.State(id) == ec2.Stopped {
				volume := aws.ToString(r.instance(id).BlockDeviceMappings[0].Ebs.VolumeId)
				before := r.world.Writes(volume)
				time.Sleep(time.Hour)
				if r.world.Writes(volume) != before {
					wrong = append(wrong, "a stopped instance writes")
				}
			}
		})
		if len(wrong) > 0 {
			rt.Fatal(strings.Join(wrong, "\n"))
		}
	})
}
