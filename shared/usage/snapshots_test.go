package usage_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"goldsmith/local/ec2"
	"goldsmith/test/steptest"
)

// fleet starts an EC2 Fleet of a template's version.
func (w *world) fleet(template, version string) {
	w.Helper()
	_, err := w.EC2.CreateFleet(w.Context(), &sdk.CreateFleetInput{
		Type: types.FleetTypeMaintain,
		TargetCapacitySpecification: &types.TargetCapacitySpecificationRequest{TotalTargetCapacity: aws.Int32(1),
			DefaultTargetCapacityType: "spot"},
		LaunchTemplateConfigs: []types.FleetLaunchTemplateConfigRequest{{
			LaunchTemplateSpecification: &types.FleetLaunchTemplateSpecificationRequest{LaunchTemplateId: &template,
				Version: &version},
		}},
	})
	w.Must(err)
}

func (w *world) spotFleet(edit func(*types.SpotFleetRequestConfigData)) string {
	w.Helper()
	config := &types.SpotFleetRequestConfigData{IamFleetRole: aws.String("arn:aws:iam::123456789012:role/fleet"),
		TargetCapacity: aws.Int32(1)}
	edit(config)
	out, err := w.EC2.RequestSpotFleet(w.Context(), &sdk.RequestSpotFleetInput{SpotFleetRequestConfig: config})
	w.Must(err)
	return aws.ToString(out.SpotFleetRequestId)
}

func byTemplate(id, version string) func(*types.SpotFleetRequestConfigData) {
	return func(c *types.SpotFleetRequestConfigData) {
		c.LaunchTemplateConfigs = []types.LaunchTemplateConfig{{
			LaunchTemplateSpecification: &types.FleetLaunchTemplateSpecification{LaunchTemplateId: &id, Version: &version},
		}}
	}
}

func bySpecification(image string, snapshots ...string) func(*types.SpotFleetRequestConfigData) {
	return func(c *types.SpotFleetRequestConfigData) {
		l := types.SpotFleetLaunchSpecification{ImageId: &image, InstanceType: types.InstanceTypeT3Micro}
		for _, id := range snapshots {
			l.BlockDeviceMappings = append(l.BlockDeviceMappings, types.BlockDeviceMapping{
				DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{SnapshotId: aws.String(id)},
			})
		}
		c.LaunchSpecifications = []types.SpotFleetLaunchSpecification{l}
	}
}

// mapped makes a template whose versions make a volume from these snapshots; "" is none.
func (w *world) mapped(snapshots ...string) string {
	w.Helper()
	_, id := w.template(w.other)
	for _, snapshot := range snapshots {
		data := &types.RequestLaunchTemplateData{ImageId: aws.String(w.other), InstanceType: types.InstanceTypeT3Micro}
		if snapshot != "" {
			data.BlockDeviceMappings = []types.LaunchTemplateBlockDeviceMappingRequest{{
				DeviceName: aws.String("/dev/sdf"),
				Ebs:        &types.LaunchTemplateEbsBlockDeviceRequest{SnapshotId: aws.String(snapshot)},
			}}
		}
		_, err := w.EC2.CreateLaunchTemplateVersion(w.Context(),
			&sdk.CreateLaunchTemplateVersionInput{LaunchTemplateId: &id, LaunchTemplateData: data})
		w.Must(err)
	}
	return id
}

// fleetUses are the ways in which a fleet alone uses an image.
var fleetUses = map[string]func(w *world, image string){
	"an EC2 Fleet that pins a version": func(w *world, image string) {
		_, id := w.template(image, w.other, w.other)
		w.setDefault(id, "2")
		w.fleet(id, "1")
	},
	"a Spot Fleet that pins a version": func(w *world, image string) {
		_, id := w.template(image, w.other, w.other)
		w.setDefault(id, "2")
		w.spotFleet(byTemplate(id, "1"))
	},
	"a Spot Fleet's launch specification": func(w *world, image string) { w.spotFleet(bySpecification(image)) },
}

func (w *world) setDefault(template, version string) {
	w.Helper()
	_, err := w.EC2.ModifyLaunchTemplate(w.Context(),
		&sdk.ModifyLaunchTemplateInput{LaunchTemplateId: &template, DefaultVersion: &version})
	w.Must(err)
}

// snapshotUses are the ways in which a snapshot alone is used.
var snapshotUses = map[string]func(w *world, snapshot string){
	"a template's latest version": func(w *world, snapshot string) { w.mapped(snapshot) },
	"a template's default version": func(w *world, snapshot string) {
		w.setDefault(w.mapped(snapshot, ""), "2")
	},
	"a version that a group pins": func(w *world, snapshot string) {
		id := w.mapped(snapshot, "")
		_, err := w.AutoScaling.CreateAutoScalingGroup(w.Context(), &autoscaling.CreateAutoScalingGroupInput{
			AutoScalingGroupName: aws.String(w.name("group")), MinSize: aws.Int32(0), MaxSize: aws.Int32(0),
			AvailabilityZones: []string{steptest.Region + "a"},
			LaunchTemplate:    &scaling.LaunchTemplateSpecification{LaunchTemplateId: &id, Version: aws.String("2")},
		})
		w.Must(err)
	},
	"a version that an EC2 Fleet pins": func(w *world, snapshot string) { w.fleet(w.mapped(snapshot, ""), "2") },
	"a version that a Spot Fleet pins": func(w *world, snapshot string) {
		w.spotFleet(byTemplate(w.mapped(snapshot, ""), "2"))
	},
	"a Spot Fleet's launch specification": func(w *world, snapshot string) {
		w.spotFleet(bySpecification(w.other, snapshot))
	},
	"a launch configuration": func(w *world, snapshot string) {
		_, err := w.AutoScaling.CreateLaunchConfiguration(w.Context(), &autoscaling.CreateLaunchConfigurationInput{
			LaunchConfigurationName: aws.String(w.name("configuration")), ImageId: aws.String(w.other),
			InstanceType: aws.String("t3.micro"),
			BlockDeviceMappings: []scaling.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdf"),
				Ebs: &scaling.Ebs{SnapshotId: &snapshot}}},
		})
		w.Must(err)
	},
	"a volume in creation": func(w *world, snapshot string) {
		_, err := w.EC2.CreateVolume(w.Context(),
			&sdk.CreateVolumeInput{SnapshotId: &snapshot, AvailabilityZone: aws.String(steptest.Region + "a")})
		w.Must(err)
	},
	"another account": func(w *world, snapshot string) { w.share(snapshot, []string{"210987654321"}, nil) },
	"everybody":       func(w *world, snapshot string) { w.share(snapshot, nil, []string{"all"}) },
	"Fast Snapshot Restore": func(w *world, snapshot string) {
		_, err := w.EC2.EnableFastSnapshotRestores(w.Context(), &sdk.EnableFastSnapshotRestoresInput{
			AvailabilityZones: []string{steptest.Region + "a"}, SourceSnapshotIds: []string{snapshot},
		})
		w.Must(err)
	},
	"a lock": func(w *world, snapshot string) {
		_, err := w.EC2.LockSnapshot(w.Context(),
			&sdk.LockSnapshotInput{SnapshotId: &snapshot, LockMode: types.LockModeGovernance, LockDuration: aws.Int32(1)})
		w.Must(err)
	},
}

func (w *world) share(snapshot string, users, groups []string) {
	w.Helper()
	_, err := w.EC2.ModifySnapshotAttribute(w.Context(), &sdk.ModifySnapshotAttributeInput{
		SnapshotId: &snapshot, Attribute: types.SnapshotAttributeNameCreateVolumePermission,
		OperationType: types.OperationTypeAdd, UserIds: users, GroupNames: groups,
	})
	w.Must(err)
}

func snapshotOf(i types.Image) string { return aws.ToString(i.BlockDeviceMappings[0].Ebs.SnapshotId) }

// A use of a snapshot alone keeps its image, and the snapshot itself when its image is gone; nothing else is kept.
func TestSnapshotUsesKeepImageAndSnapshot(t *testing.T) {
	for name, use := range snapshotUses {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				images := w.describe(w.image(), w.image())
				used, unused := images[0], images[1]
				use(w, snapshotOf(used))
				uses, err := w.finder().Uses(w.Context(), images)
				w.Must(err)
				w.Same("images that are used", names(uses), []string{aws.ToString(used.ImageId)})
				ids := []string{snapshotOf(used), snapshotOf(unused)}
				of, err := w.finder().SnapshotUses(w.Context(), ids)
				w.Must(err)
				w.Same("snapshots that are used", names(of), []string{snapshotOf(used)})
				if why := of[snapshotOf(used)]; len(why) != 1 || !strings.HasPrefix(why[0], "snapshot "+snapshotOf(used)+": ") {
					t.Errorf("the reason is %q", why)
				}
			})
		})
	}
}

// Whom a snapshot is shared with is told.
func TestWhomASnapshotIsSharedWith(t *testing.T) {
	for name, who := range map[string]string{"another account": "account 210987654321", "everybody": "everybody"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			i := w.describe(w.image())[0]
			snapshotUses[name](w, snapshotOf(i))
			uses, err := w.finder().Uses(w.Context(), []types.Image{i})
			w.Must(err)
			want := []string{"snapshot " + snapshotOf(i) + ": shared with " + who}
			w.Same("uses", uses[aws.ToString(i.ImageId)], want)
		})
	}
}

func TestFleetsKeepImages(t *testing.T) {
	for name, use := range fleetUses {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				used, unused := w.image(), w.image()
				use(w, used)
				uses, err := w.finder().Uses(w.Context(), w.describe(used, unused))
				w.Must(err)
				w.Same("images that are used", names(uses), []string{used})
			})
		})
	}
}

// What no longer launches, and what is over, is no use.
func TestSnapshotUsesThatAreOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		images := w.describe(w.image())
		id := snapshotOf(images[0])
		w.mapped(id, "") // neither default nor latest, and pinned by nobody
		fleet := w.spotFleet(bySpecification(aws.ToString(images[0].ImageId), id))
		_, err := w.EC2.CancelSpotFleetRequests(w.Context(), &sdk.CancelSpotFleetRequestsInput{
			SpotFleetRequestIds: []string{fleet}, TerminateInstances: aws.Bool(true),
		})
		w.Must(err)
		snapshotUses["a volume in creation"](w, id)
		time.Sleep(time.Hour)
		uses, err := w.finder().Uses(w.Context(), images)
		w.Must(err)
		w.Same("uses", uses, map[string][]string{})
	})
}

// The first page of what is pinned is not all of it.
func TestPinnedVersionsOverPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		used := w.image()
		versions := make([]string, 250)
		for n := range versions {
			versions[n] = w.other
		}
		versions[220] = used
		_, id := w.template(versions...)
		w.fleet(id, "1")
		w.fleet(id, "221")
		uses, err := w.finder().Uses(w.Context(), w.describe(used))
		w.Must(err)
		w.Same("images that are used", names(uses), []string{used})
	})
}

// What cannot be read of one image or one snapshot keeps that one, and says why.
func TestOneThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		images := w.describe(w.image(), w.image(), w.image())
		first, second := aws.ToString(images[0].ImageId), aws.ToString(images[1].ImageId)
		w.Cloud.Inject(ec2.Fault{Action: "DescribeImageAttribute", Resource: first, Code: "InvalidAMIID.Unavailable"})
		w.Cloud.Inject(ec2.Fault{Action: "DescribeSnapshotAttribute", Resource: snapshotOf(images[1]),
			Code: "InvalidSnapshot.NotFound"})
		uses, err := w.finder().Uses(w.Context(), images)
		w.Must(err)
		want := map[string][]string{
			first:  {"who may launch it cannot be read: InvalidAMIID.Unavailable"},
			second: {"snapshot " + snapshotOf(images[1]) + ": who may use it cannot be read: InvalidSnapshot.NotFound"},
		}
		if diff := cmp.Diff(want, uses); diff != "" {
			t.Error(diff)
		}
	})
}
