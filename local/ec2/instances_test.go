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
		id := r.running(withDataVolume("gp3"))
		before := r.instance(id)
		same(t, "devices", len(before.BlockDeviceMappings), 2)
		out, err := r.StopInstances(t.Context(), &sdk.StopInstancesInput{InstanceIds: []string{id}})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "previous state", out.StoppingInstances[0].PreviousState.Name, "running")
		same(t, "current state", out.StoppingInstances[0].CurrentState.Name, "stopping")
		r.settle()
		down := r.instance(id)
		same(t, "state", down.State.Name, "stopped")
		same(t, "reason", aws.ToString(down.StateReason.Code), "Client.UserInitiatedShutdown")
		ami := r.createImage(id, "web/1", func(in *sdk.CreateImageInput) {
			in.TagSpecifications = []types.TagSpecification{spec("image", "a", "1"), spec("snapshot", "goldsmith:run", "r1")}
		})
		early := r.image(ami)
		same(t, "image state at first", early.State, "pending")
		same(t, "mappings at first", len(early.BlockDeviceMappings), 2)
		same(t, "snapshot at first", early.BlockDeviceMappings[0].Ebs.SnapshotId, nil)
		r.settle()
		r.wantCode("", r.start(id))
		r.settle()
		same(t, "state at the end", r.instance(id).State.Name, "running")
		same(t, "image state at the end", r.image(ami).State, "available")
		same(t, "image's tags", tagsOf(r.image(ami).Tags), map[string]string{"a": "1"})
		same(t, "source", aws.ToString(r.image(ami).SourceInstanceId), id)
		for _, s := range r.snapshots(filterBy("tag:goldsmith:run", "r1")) {
			same(t, "snapshot", []string{string(s.State), aws.ToString(s.Description)},
				[]string{"completed", "Created by CreateImage(" + id + ") for " + ami})
		}
		taken := r.world.Taken(ami)
		same(t, "taken while running", taken.Live, false)
		same(t, "snapshots", taken.Snapshots, 2)
		var states []string
		for _, e := range r.heard("EC2 Instance State-change Notification") {
			states = append(states, e.text("state"))
		}
		same(t, "state events", states, []string{"pending", "running", "stopping", "stopped", "pending", "running"})
	})
}

func withDataVolume(kind types.VolumeType) func(*sdk.RunInstancesInput) {
	return func(in *sdk.RunInstancesInput) {
		in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdf"),
			Ebs: &types.EbsBlockDevice{VolumeType: kind, VolumeSize: aws.Int32(125)}}}
	}
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
