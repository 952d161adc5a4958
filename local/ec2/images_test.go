package ec2_test

import (
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
		seen := func() []types.Snapshot {
			out, err := r.DescribeSnapshots(t.Context(), &sdk.DescribeSnapshotsInput{Filters: []types.Filter{filterBy("description", "*for "+ami)}})
			if err != nil {
				t.Fatal(err)
			}
			return out.Snapshots
		}
		time.Sleep(2999 * time.Millisecond)
		if got := seen(); len(got) != 0 {
			t.Errorf("before their time: %+v", got)
		}
		time.Sleep(time.Millisecond)
		shown := seen()
		if len(shown) != 1 || shown[0].State != "pending" || r.image(ami).State != "pending" {
			t.Fatalf("after three seconds: %+v", shown)
		}
		volume := aws.ToString(shown[0].VolumeId)
		if taken := r.world.Taken(ami); !taken.Live || taken.Writes[volume] != r.world.Writes(volume) {
			t.Errorf("taken of a running instance: %+v, the volume is at %d", taken, r.world.Writes(volume))
		}
		time.Sleep(30 * time.Second)
		if progress := aws.ToString(seen()[0].Progress); progress != "49%" {
			t.Errorf("progress half way: %s", progress)
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if done := seen()[0]; done.State != "completed" || done.CompletionTime == nil || r.image(ami).State != "pending" {
			t.Errorf("a minute later: %+v", done)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if r.image(ami).State != "available" || aws.ToString(r.image(ami).BlockDeviceMappings[0].Ebs.SnapshotId) != aws.ToString(shown[0].SnapshotId) {
			t.Errorf("at the end: %+v", r.image(ami))
		}
		if events := r.heard("EC2 AMI State Change"); len(events) != 1 || events[0].text("State") != "available" || events[0].text("ImageId") != ami ||
			events[0].resources[0] != "arn:aws:ec2:eu-west-1::image/"+ami {
			t.Errorf("image events: %+v", events)
		}
		if events := r.heard("EBS Snapshot Notification"); len(events) != 1 || events[0].text("result") != "succeeded" || !strings.HasSuffix(events[0].text("source"), volume) {
			t.Errorf("snapshot events: %+v", events)
		}
		if r.world.Times(id).Snapshots != 3*time.Second {
			t.Errorf("times %+v", r.world.Times(id))
		}
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
		id := r.running(func(in *sdk.RunInstancesInput) {
			in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{VolumeType: "st1", VolumeSize: aws.Int32(125)}}}
		})
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
			Name: aws.String("two"), Architecture: "x86_64", VirtualizationType: aws.String("hvm"), RootDeviceName: aws.String("/dev/xvda"),
			BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{SnapshotId: &snap}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		r.settle()
		for _, step := range []struct{ image, result string }{{ami, "skipped"}, {aws.ToString(registered.ImageId), "success"}} {
			if r.image(step.image).State != "available" {
				t.Errorf("%s is %s", step.image, r.image(step.image).State)
			}
			out, err := r.DeregisterImage(t.Context(), &sdk.DeregisterImageInput{ImageId: &step.image, DeleteAssociatedSnapshots: aws.Bool(true)})
			if err != nil || len(out.DeleteSnapshotResults) != 1 || string(out.DeleteSnapshotResults[0].ReturnCode) != step.result {
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

func TestImagesAreSharedDeprecatedDisabledProtectedAndCopied(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		ami := r.createImage(r.running(), "one", func(in *sdk.CreateImageInput) {
			in.TagSpecifications = []types.TagSpecification{spec("image", "a", "1")}
		})
		r.settle()
		must := func(_ any, err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		share := func(user string) error {
			_, err := r.ModifyImageAttribute(t.Context(), &sdk.ModifyImageAttributeInput{ImageId: &ami, LaunchPermission: &types.LaunchPermissionModifications{
				Add: []types.LaunchPermission{{UserId: &user}},
			}})
			return err
		}
		r.wantCode("", share("210987654321"))
		r.wantCode("InvalidAMIAttributeItemValue", share("me"))
		permissions, err := r.DescribeImageAttribute(t.Context(), &sdk.DescribeImageAttributeInput{ImageId: &ami, Attribute: "launchPermission"})
		if err != nil || len(permissions.LaunchPermissions) != 1 || aws.ToString(permissions.LaunchPermissions[0].UserId) != "210987654321" {
			t.Errorf("launch permissions: %v %+v", err, permissions)
		}
		at := time.Now().Add(48 * time.Hour).Truncate(time.Minute)
		must(r.EnableImageDeprecation(t.Context(), &sdk.EnableImageDeprecationInput{ImageId: &ami, DeprecateAt: &at}))
		if got := aws.ToString(r.image(ami).DeprecationTime); got != at.UTC().Format("2006-01-02T15:04:05.000Z") {
			t.Errorf("deprecated at %s, want %s", got, at)
		}
		past := time.Now().Add(-time.Hour)
		_, err = r.EnableImageDeprecation(t.Context(), &sdk.EnableImageDeprecationInput{ImageId: &ami, DeprecateAt: &past})
		r.wantCode("InvalidParameterValue", err)
		copied, err := r.CopyImage(t.Context(), &sdk.CopyImageInput{
			Name: aws.String("two"), SourceImageId: &ami, SourceRegion: aws.String("eu-west-1"), CopyImageTags: aws.Bool(true), Encrypted: aws.Bool(true),
		})
		if err != nil {
			t.Fatal(err)
		}
		r.settle()
		two := r.image(aws.ToString(copied.ImageId))
		if two.State != "available" || !aws.ToBool(two.BlockDeviceMappings[0].Ebs.Encrypted) || tagsOf(two.Tags)["a"] != "1" || aws.ToString(two.SourceImageId) != ami || two.SourceInstanceId != nil {
			t.Errorf("copy %+v", two)
		}
		must(r.EnableImageDeregistrationProtection(t.Context(), &sdk.EnableImageDeregistrationProtectionInput{ImageId: &ami}))
		_, err = r.DeregisterImage(t.Context(), &sdk.DeregisterImageInput{ImageId: &ami})
		r.wantCode("OperationNotPermitted", err)
		must(r.DisableImageDeregistrationProtection(t.Context(), &sdk.DisableImageDeregistrationProtectionInput{ImageId: &ami}))
		must(r.DisableImage(t.Context(), &sdk.DisableImageInput{ImageId: &ami}))
		hidden, err := r.DescribeImages(t.Context(), &sdk.DescribeImagesInput{Owners: []string{"self"}})
		if err != nil || len(hidden.Images) != 1 {
			t.Errorf("with one image disabled: %v %+v", err, hidden)
		}
		must(r.EnableImage(t.Context(), &sdk.EnableImageInput{ImageId: &ami}))
		if r.image(ami).State != "available" || *r.image(ami).Public {
			t.Errorf("enabled again: %+v", r.image(ami))
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
		r.wantCode("IncorrectInstanceState", ask(pending))
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
