package ec2_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
)

func TestAnInstanceIsStoppedImagedAndStarted(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		made := r.run(func(in *sdk.RunInstancesInput) {
			in.TagSpecifications = []types.TagSpecification{spec("instance", "Name", "web"), spec("volume", "disk", "root")}
			in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(20)}}}
		})
		id := aws.ToString(made.InstanceId)
		if made.State.Name != "pending" || made.PublicIpAddress == nil {
			t.Errorf("right after RunInstances: %v, address %v", made.State.Name, made.PublicIpAddress)
		}
		r.settle()
		up := r.instance(id)
		if up.State.Name != "running" || len(up.BlockDeviceMappings) != 2 || up.RootDeviceType != "ebs" || aws.ToString(up.RootDeviceName) != "/dev/xvda" {
			t.Errorf("running instance: %v %+v", up.State.Name, up.BlockDeviceMappings)
		}
		stopped, err := r.StopInstances(t.Context(), &sdk.StopInstancesInput{InstanceIds: []string{id}})
		if err != nil || stopped.StoppingInstances[0].CurrentState.Name != "stopping" || stopped.StoppingInstances[0].PreviousState.Name != "running" {
			t.Fatalf("StopInstances: %v %+v", err, stopped)
		}
		r.settle()
		down := r.instance(id)
		if down.State.Name != "stopped" || down.PublicIpAddress != nil || aws.ToString(down.StateReason.Code) != "Client.UserInitiatedShutdown" || aws.ToString(down.StateTransitionReason) == "" {
			t.Errorf("stopped instance: %v %v %+v", down.State.Name, aws.ToString(down.PublicIpAddress), down.StateReason)
		}
		ami := r.createImage(id, "web/1", func(in *sdk.CreateImageInput) {
			in.TagSpecifications = []types.TagSpecification{spec("image", "a", "1"), spec("snapshot", "goldsmith:run", "r1")}
		})
		if early := r.image(ami); early.State != "pending" || len(early.BlockDeviceMappings) != 2 || early.BlockDeviceMappings[0].Ebs.SnapshotId != nil {
			t.Errorf("right after CreateImage: %+v", early)
		}
		r.settle()
		if _, err := r.StartInstances(t.Context(), &sdk.StartInstancesInput{InstanceIds: []string{id}}); err != nil {
			t.Fatal(err)
		}
		r.settle()
		again := r.instance(id)
		if again.State.Name != "running" || aws.ToString(again.PublicIpAddress) == aws.ToString(up.PublicIpAddress) {
			t.Errorf("after the start: %v, address %v, before %v", again.State.Name, aws.ToString(again.PublicIpAddress), aws.ToString(up.PublicIpAddress))
		}
		img := r.image(ami)
		if img.State != "available" || tagsOf(img.Tags)["a"] != "1" || aws.ToString(img.SourceInstanceId) != id {
			t.Errorf("image: %+v", img)
		}
		snaps, err := r.DescribeSnapshots(t.Context(), &sdk.DescribeSnapshotsInput{OwnerIds: []string{"self"}, Filters: []types.Filter{filterBy("tag:goldsmith:run", "r1")}})
		if err != nil || len(snaps.Snapshots) != 2 || snaps.Snapshots[0].State != "completed" ||
			aws.ToString(snaps.Snapshots[0].Description) != "Created by CreateImage("+id+") for "+ami {
			t.Errorf("snapshots: %v %+v", err, snaps)
		}
		if taken := r.world.Taken(ami); taken.Live || taken.Snapshots != 2 {
			t.Errorf("taken of a stopped instance: %+v", taken)
		}
		var states []string
		for _, e := range r.heard("EC2 Instance State-change Notification") {
			states = append(states, e.text("state"))
		}
		if len(states) != 6 || states[0] != "pending" || states[3] != "stopped" || states[5] != "running" {
			t.Errorf("state events: %v", states)
		}
	})
}

func TestTheReadoutIsWhatAClientMeasures(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		id := r.running()
		began := time.Now()
		if _, err := r.StopInstances(t.Context(), &sdk.StopInstancesInput{InstanceIds: []string{id}}); err != nil {
			t.Fatal(err)
		}
		for r.world.State(id) != ec2.Stopped {
			time.Sleep(time.Millisecond)
			synctest.Wait()
		}
		if took, want := time.Since(began), r.world.Times(id).Stop; took < want || took > want+2*time.Millisecond {
			t.Errorf("stopping took %v, the World says %v", took, want)
		}
	})
}
