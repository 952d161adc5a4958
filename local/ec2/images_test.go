package ec2_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
)

func TestImageNamesAreCheckedAndUnique(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		id := r.running()
		ask := func(name string) error {
			_, err := r.CreateImage(t.Context(), &sdk.CreateImageInput{InstanceId: &id, Name: &name, NoReboot: aws.Bool(true)})
			return err
		}
		for _, name := range []string{"ab", strings.Repeat("x", 129), "2026-01-02T03:04:05", "a+b+c", "naïve"} {
			r.wantCode("InvalidAMIName.Malformed", ask(name))
		}
		first := r.createImage(id, "web (1) [a]/b.c-d_e@f'g")
		r.settle()
		r.wantCode("InvalidAMIName.Duplicate", ask("web (1) [a]/b.c-d_e@f'g"))
		if _, err := r.DeregisterImage(t.Context(), &sdk.DeregisterImageInput{ImageId: &first}); err != nil {
			t.Fatal(err)
		}
		r.settle()
		r.wantCode("", ask("web (1) [a]/b.c-d_e@f'g"))
	})
}

func TestSnapshotsAppearLateAndHoldTheContentOfThatMoment(t *testing.T) {
	timing := ec2.DefaultTiming()
	timing.SnapshotShows = ec2.Span{Min: 3 * time.Second, Max: 3 * time.Second}
	timing.SnapshotStored = ec2.Span{Min: time.Minute, Max: time.Minute}
	timing.ImageReady = ec2.Span{Min: 5 * time.Second, Max: 5 * time.Second}
	inWorld(t, ec2.Options{Timing: timing}, func(t *testing.T, r *rig) {
		id := r.running()
		time.Sleep(time.Hour)
		ami := r.createImage(id, "live image")
		story := func(after time.Duration) string {
			time.Sleep(after)
			synctest.Wait()
			told := string(r.image(ami).State)
			for _, s := range r.snapshots(filterBy("description", "*for "+ami)) {
				told += fmt.Sprintf(", snapshot %s %s", s.State, aws.ToString(s.Progress))
			}
			return told
		}
		same(t, "just before it shows", story(2999*time.Millisecond), "pending")
		same(t, "when it shows", story(time.Millisecond), "pending, snapshot pending 0%")
		volume := aws.ToString(r.instance(id).BlockDeviceMappings[0].Ebs.VolumeId)
		same(t, "taken of a running instance", r.world.Taken(ami),
			ec2.Taken{Snapshots: 1, Live: true, Writes: map[string]uint64{volume: r.world.Writes(volume)}})
		same(t, "half way", story(30*time.Second), "pending, snapshot pending 49%")
		same(t, "stored", story(30*time.Second), "pending, snapshot completed 100%")
		same(t, "ready", story(5*time.Second), "available, snapshot completed 100%")
		same(t, "EC2's own time", r.world.Times(id).Snapshots, 3*time.Second)
		images := r.heard("EC2 AMI State Change")
		same(t, "image event", fmt.Sprint(images[0].resources, images[0].text("State"), images[0].text("ImageId")),
			fmt.Sprint([]string{"arn:aws:ec2:eu-west-1::image/" + ami}, "available", ami))
		snapshots := r.heard("EBS Snapshot Notification")
		same(t, "snapshot event", snapshots[0].text("event")+" "+snapshots[0].text("result")+" "+snapshots[0].text("source"),
			"createSnapshot succeeded arn:aws:ec2:eu-west-1:123456789012:volume/"+volume)
		same(t, "events", len(images)+len(snapshots), 2)
	})
}

func TestRebootingMakesARunningInstancesImageConsistent(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		id := r.running()
		ami := r.createImage(id, "rebooted", func(in *sdk.CreateImageInput) { in.NoReboot = nil })
		r.settle()
		if taken := r.world.Taken(ami); taken.Live || !taken.Rebooted || taken.Snapshots != 1 {
			t.Errorf("taken %+v", taken)
		}
		if i := r.instance(id); i.State.Name != "running" || len(r.heard("EC2 Instance State-change Notification")) != 2 {
			t.Errorf("a reboot changes no state: %v, %v", i.State.Name, r.heard("EC2 Instance State-change Notification"))
		}
	})
}

func TestVolumesLimitTheirSnapshots(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		id := r.running(withDataVolume("st1"))
		r.createImage(id, "first")
		ask := func(name string, edit ...func(*sdk.CreateImageInput)) error {
			in := &sdk.CreateImageInput{InstanceId: &id, Name: &name, NoReboot: aws.Bool(true)}
			for _, e := range edit {
				e(in)
			}
			_, err := r.CreateImage(t.Context(), in)
			return err
		}
		withoutData := func(in *sdk.CreateImageInput) {
			in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdf"), NoDevice: aws.String("")}}
		}
		r.wantCode("SnapshotCreationPerVolumeRateExceeded", ask("second", withoutData))
		time.Sleep(16 * time.Second)
		r.wantCode("ConcurrentSnapshotLimitExceeded", ask("second"))
		r.wantCode("", ask("second", withoutData))
		r.settle()
		r.wantCode("", ask("third"))
	})
}

func TestDeregisteringTakesTheSnapshotsNobodyElseUses(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		id := r.running()
		ami := r.createImage(id, "one")
		r.settle()
		snap := aws.ToString(r.image(ami).BlockDeviceMappings[0].Ebs.SnapshotId)
		_, err := r.DeleteSnapshot(t.Context(), &sdk.DeleteSnapshotInput{SnapshotId: &snap})
		r.wantCode("InvalidSnapshot.InUse", err)
		registered, err := r.RegisterImage(t.Context(), &sdk.RegisterImageInput{
			Name: aws.String("two"), Architecture: "x86_64", VirtualizationType: aws.String("hvm"),
			RootDeviceName: aws.String("/dev/xvda"),
			BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"),
				Ebs: &types.EbsBlockDevice{SnapshotId: &snap}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		r.settle()
		for _, step := range []struct{ image, result string }{{ami, "skipped"},
			{aws.ToString(registered.ImageId), "success"}} {
			if r.image(step.image).State != "available" {
				t.Errorf("%s is %s", step.image, r.image(step.image).State)
			}
			out, err := r.DeregisterImage(t.Context(),
				&sdk.DeregisterImageInput{ImageId: &step.image, DeleteAssociatedSnapshots: aws.Bool(true)})
			if err != nil || len(out.DeleteSnapshotResults) != 1 ||
				string(out.DeleteSnapshotResults[0].ReturnCode) != step.result {
				t.Errorf("deregistering %s: %v %+v, want %s", step.image, err, out, step.result)
			}
		}
		// For days the answer is an empty list, then NotFound; deregistering again is Unavailable.
		if r.image(ami).ImageId != nil {
			t.Error("a deregistered image is shown")
		}
		_, err = r.DeregisterImage(t.Context(), &sdk.DeregisterImageInput{ImageId: &ami})
		r.wantCode("InvalidAMIID.Unavailable", err)
		time.Sleep(73 * time.Hour)
		_, err = r.DescribeImages(t.Context(), &sdk.DescribeImagesInput{ImageIds: []string{ami}})
		r.wantCode("InvalidAMIID.NotFound", err)
	})
}

func TestImagesAreSharedByPermission(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		ami := r.createImage(r.running(), "one")
		r.settle()
		change := func(add, remove []types.LaunchPermission) error {
			_, err := r.ModifyImageAttribute(t.Context(),
				&sdk.ModifyImageAttributeInput{ImageId: &ami,
					LaunchPermission: &types.LaunchPermissionModifications{Add: add, Remove: remove}})
			return err
		}
		user := func(id string) []types.LaunchPermission { return []types.LaunchPermission{{UserId: &id}} }
		everybody := []types.LaunchPermission{{Group: "all"}}
		r.wantCode("", change(user("210987654321"), nil))
		r.wantCode("", change(everybody, nil))
		r.wantCode("InvalidAMIAttributeItemValue", change(user("me"), nil))
		same(t, "public", *r.image(ami).Public, true)
		r.wantCode("", change(nil, everybody))
		out, err := r.DescribeImageAttribute(t.Context(),
			&sdk.DescribeImageAttributeInput{ImageId: &ami, Attribute: "launchPermission"})
		if err != nil || len(out.LaunchPermissions) != 1 {
			t.Fatal(err, out)
		}
		same(t, "shared with", aws.ToString(out.LaunchPermissions[0].UserId), "210987654321")
		same(t, "public", *r.image(ami).Public, false)
	})
}

func TestImagesAreDeprecatedDisabledAndProtected(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		ami := r.createImage(r.running(), "one")
		r.settle()
		deprecate := func(at time.Time) error {
			_, err := r.EnableImageDeprecation(t.Context(), &sdk.EnableImageDeprecationInput{ImageId: &ami, DeprecateAt: &at})
			return err
		}
		at := time.Now().Add(48 * time.Hour).Truncate(time.Minute)
		r.wantCode("", deprecate(at))
		same(t, "deprecated at", aws.ToString(r.image(ami).DeprecationTime), at.UTC().Format("2006-01-02T15:04:05.000Z"))
		r.wantCode("InvalidParameterValue", deprecate(time.Now().Add(-time.Hour)))
		r.wantCode("InvalidParameterValue", deprecate(time.Now().AddDate(11, 0, 0)))

		_, err := r.EnableImageDeregistrationProtection(t.Context(),
			&sdk.EnableImageDeregistrationProtectionInput{ImageId: &ami})
		r.wantCode("", err)
		_, err = r.DeregisterImage(t.Context(), &sdk.DeregisterImageInput{ImageId: &ami})
		r.wantCode("OperationNotPermitted", err)
		_, err = r.DisableImageDeregistrationProtection(t.Context(),
			&sdk.DisableImageDeregistrationProtectionInput{ImageId: &ami})
		r.wantCode("", err)

		_, err = r.DisableImage(t.Context(), &sdk.DisableImageInput{ImageId: &ami})
		r.wantCode("", err)
		same(t, "a disabled image's state", string(r.image(ami).State), "")
		_, err = r.EnableImage(t.Context(), &sdk.EnableImageInput{ImageId: &ami})
		r.wantCode("", err)
		same(t, "an enabled image's state", string(r.image(ami).State), "available")
	})
}

func TestACopyHasItsOwnEncryptedSnapshots(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		ami := r.createImage(r.running(), "one", func(in *sdk.CreateImageInput) {
			in.TagSpecifications = []types.TagSpecification{spec("image", "a", "1")}
		})
		r.settle()
		out, err := r.CopyImage(t.Context(), &sdk.CopyImageInput{
			Name: aws.String("two"), SourceImageId: &ami, SourceRegion: aws.String("eu-west-1"), CopyImageTags: aws.Bool(true),
			Encrypted: aws.Bool(true),
		})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "state at first", r.image(aws.ToString(out.ImageId)).State, "pending")
		r.settle()
		two := r.image(aws.ToString(out.ImageId))
		ebs := two.BlockDeviceMappings[0].Ebs
		same(t, "state", two.State, "available")
		same(t, "encrypted", aws.ToBool(ebs.Encrypted), true)
		same(t, "tags", tagsOf(two.Tags), map[string]string{"a": "1"})
		same(t, "source", aws.ToString(two.SourceImageId)+aws.ToString(two.SourceInstanceId), ami)
		if aws.ToString(ebs.SnapshotId) == aws.ToString(r.image(ami).BlockDeviceMappings[0].Ebs.SnapshotId) {
			t.Error("the copy has its source's snapshot")
		}
	})
}

func TestWhatCannotBeImaged(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		name := aws.String("an image")
		ask := func(id string, edit ...func(*sdk.CreateImageInput)) error {
			in := &sdk.CreateImageInput{InstanceId: &id, Name: name, NoReboot: aws.Bool(true)}
			for _, e := range edit {
				e(in)
			}
			_, err := r.CreateImage(t.Context(), in)
			return err
		}
		pending := aws.ToString(r.run().InstanceId)
		r.wantCode("InvalidParameterValue", ask(pending))
		r.wantCode("InvalidInstanceID.NotFound", ask("i-00000000000000000"))
		r.wantCode("InvalidInstanceID.Malformed", ask("web"))
		r.wantCode("InvalidParameterValue", ask(r.running(func(in *sdk.RunInstancesInput) {
			in.ImageId, in.InstanceType = aws.String(ec2.ImageInstanceStore), "m3.medium"
		})))
		up := r.running()
		r.wantCode("InvalidParameterValue", ask(up, func(in *sdk.CreateImageInput) {
			in.TagSpecifications = []types.TagSpecification{spec("volume", "a", "b")}
		}))
		r.wantCode("InvalidParameterValue", ask(up, func(in *sdk.CreateImageInput) {
			in.TagSpecifications = []types.TagSpecification{spec("image", "aws:x", "b")}
		}))
	})
}
