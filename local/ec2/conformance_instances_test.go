package ec2_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
)

func (r *rig) terminate(id string) error {
	_, err := r.TerminateInstances(r.t.Context(), &sdk.TerminateInstancesInput{InstanceIds: []string{id}})
	return err
}

// template is a launch template with one version.
func (r *rig) webTemplate(edit ...func(*types.RequestLaunchTemplateData)) string {
	r.t.Helper()
	data := &types.RequestLaunchTemplateData{ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro"}
	for _, e := range edit {
		e(data)
	}
	out, err := r.CreateLaunchTemplate(r.t.Context(),
		&sdk.CreateLaunchTemplateInput{LaunchTemplateName: aws.String("web"), LaunchTemplateData: data})
	if err != nil {
		r.t.Fatal(err)
	}
	return aws.ToString(out.LaunchTemplate.LaunchTemplateId)
}

var instanceFacts = []fact{
	{
		"what launches from a template carries its id and version",
		"moto's tests marked as verified on AWS (test_launch_templates_cloudformation, test_instances)",
		func(t *testing.T, r *rig) {
			id := r.webTemplate(func(d *types.RequestLaunchTemplateData) {
				d.TagSpecifications = []types.LaunchTemplateTagSpecificationRequest{{ResourceType: "instance", Tags: []types.Tag{
					{Key: aws.String("team"), Value: aws.String("a")}, {Key: aws.String("kind"), Value: aws.String("template")},
				}}}
			})
			out, err := r.RunInstances(t.Context(), &sdk.RunInstancesInput{
				MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
				LaunchTemplate:    &types.LaunchTemplateSpecification{LaunchTemplateId: &id},
				TagSpecifications: []types.TagSpecification{spec("instance", "kind", "request")},
			})
			r.wantCode("", err)
			same(t, "tags", r.world.Tags(aws.ToString(out.Instances[0].InstanceId)), map[string]string{
				"team": "a", "kind": "request", "aws:ec2launchtemplate:id": id, "aws:ec2launchtemplate:version": "1",
			})
		},
	},
	{
		"terminating a stop-protected instance", "User Guide, Enable stop protection for your EC2 instances",
		func(t *testing.T, r *rig) {
			id := r.running()
			protect := func(on bool) {
				_, err := r.ModifyInstanceAttribute(t.Context(),
					&sdk.ModifyInstanceAttributeInput{InstanceId: &id, DisableApiStop: &types.AttributeBooleanValue{Value: &on}})
				r.wantCode("", err)
			}
			protect(true)
			r.wantCode("OperationNotPermitted", r.terminate(id))
			protect(false)
			r.wantCode("", r.terminate(id))
		},
	},
	{
		"a key that cannot be used lets the start answer pending, and the instance falls back",
		"re:Post, kms-iam-ec2-permission and encrypted-volumes-stops-immediately",
		func(t *testing.T, r *rig) {
			for state, code := range map[ec2.KeyState]string{ec2.KeyDisabled: "Client.InvalidKMSKey.InvalidState",
				ec2.KeyNoGrant: "Client.InternalError"} {
				id := r.running(encrypted(elsewhere))
				r.wantCode("", r.stop(id))
				r.settle()
				r.world.SetKey(elsewhere, state)
				out, err := r.StartInstances(t.Context(), &sdk.StartInstancesInput{InstanceIds: []string{id}})
				r.wantCode("", err)
				same(t, "state", out.StartingInstances[0].CurrentState.Name, "pending")
				r.settle()
				i := r.instance(id)
				same(t, "state", i.State.Name, "stopped")
				same(t, "reason", aws.ToString(i.StateReason.Code), code)
				r.world.SetKey(elsewhere, ec2.KeyUsable)
				r.wantCode("", r.start(id))
				r.settle()
				same(t, "state", r.instance(id).State.Name, "running")
			}
		},
	},
	{
		"a launch under a key that cannot be used ends terminated",
		"openshift documentation, Troubleshooting cluster creation with an invalidKMSKey error",
		func(t *testing.T, r *rig) {
			r.world.SetKey(elsewhere, ec2.KeyDisabled)
			id := aws.ToString(r.run(encrypted(elsewhere)).InstanceId)
			time.Sleep(time.Minute)
			i := r.instance(id)
			same(t, "state", i.State.Name, "terminated")
			same(t, "reason", aws.ToString(i.StateReason.Message),
				"Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state")
		},
	},
	{
		"the Spot request of a stopped instance", "User Guide, Spot Instance request status: instance-stopped-by-user",
		func(t *testing.T, r *rig) {
			id := r.running(spot("persistent"))
			request := func() types.SpotInstanceRequest {
				out, err := r.DescribeSpotInstanceRequests(t.Context(), &sdk.DescribeSpotInstanceRequestsInput{
					Filters: []types.Filter{{Name: aws.String("instance-id"), Values: []string{id}}},
				})
				r.wantCode("", err)
				return out.SpotInstanceRequests[0]
			}
			r.wantCode("", r.stop(id))
			r.settle()
			same(t, "state", request().State, "disabled")
			same(t, "status", aws.ToString(request().Status.Code), "instance-stopped-by-user")
			r.wantCode("", r.start(id))
			r.settle()
			same(t, "state", request().State, "active")
		},
	},
}

var fleetFacts = []fact{
	{
		"a fleet shows what it pins", "API reference, CreateFleet and DescribeFleets",
		func(t *testing.T, r *rig) {
			id := r.webTemplate()
			made, err := r.CreateFleet(t.Context(), &sdk.CreateFleetInput{
				Type: "maintain",
				TargetCapacitySpecification: &types.TargetCapacitySpecificationRequest{TotalTargetCapacity: aws.Int32(3),
					DefaultTargetCapacityType: "spot"},
				LaunchTemplateConfigs: []types.FleetLaunchTemplateConfigRequest{{
					LaunchTemplateSpecification: &types.FleetLaunchTemplateSpecificationRequest{LaunchTemplateId: &id,
						Version: aws.String("1")},
					Overrides: []types.FleetLaunchTemplateOverridesRequest{{InstanceType: "t3.large",
						SubnetId: aws.String("subnet-1")}},
				}},
				TagSpecifications: []types.TagSpecification{spec("fleet", "team", "a")},
			})
			r.wantCode("", err)
			out, err := r.DescribeFleets(t.Context(), &sdk.DescribeFleetsInput{})
			r.wantCode("", err)
			same(t, "fleets", len(out.Fleets), 1)
			f := out.Fleets[0]
			same(t, "id", aws.ToString(f.FleetId), aws.ToString(made.FleetId))
			same(t, "version", aws.ToString(f.LaunchTemplateConfigs[0].LaunchTemplateSpecification.Version), "1")
			same(t, "override", f.LaunchTemplateConfigs[0].Overrides[0].InstanceType, "t3.large")
			same(t, "capacity", aws.ToInt32(f.TargetCapacitySpecification.TotalTargetCapacity), 3)
			same(t, "tag", aws.ToString(f.Tags[0].Value), "a")
			gone, err := r.DeleteFleets(t.Context(),
				&sdk.DeleteFleetsInput{FleetIds: []string{*f.FleetId, "fleet-x"}, TerminateInstances: aws.Bool(true)})
			r.wantCode("", err)
			same(t, "deleted and not", []int{len(gone.SuccessfulFleetDeletions), len(gone.UnsuccessfulFleetDeletions)},
				[]int{1, 1})
		},
	},
	{
		"a fleet of what does not exist", "API reference, CreateFleet",
		func(t *testing.T, r *rig) {
			id := r.webTemplate()
			for version, code := range map[string]string{"9": "InvalidLaunchTemplateId.VersionNotFound", "$Latest": ""} {
				_, err := r.CreateFleet(t.Context(), &sdk.CreateFleetInput{
					TargetCapacitySpecification: &types.TargetCapacitySpecificationRequest{TotalTargetCapacity: aws.Int32(1)},
					LaunchTemplateConfigs: []types.FleetLaunchTemplateConfigRequest{{
						LaunchTemplateSpecification: &types.FleetLaunchTemplateSpecificationRequest{LaunchTemplateId: &id,
							Version: &version},
					}},
				})
				r.wantCode(code, err)
			}
		},
	},
	{
		"a Spot Fleet request shows what it pins", "API reference, RequestSpotFleet and DescribeSpotFleetRequests",
		func(t *testing.T, r *rig) {
			id := r.webTemplate()
			ask := func(config *types.SpotFleetRequestConfigData) (string, error) {
				config.IamFleetRole, config.TargetCapacity = aws.String("arn:aws:iam::123456789012:role/fleet"), aws.Int32(2)
				out, err := r.RequestSpotFleet(t.Context(), &sdk.RequestSpotFleetInput{SpotFleetRequestConfig: config})
				if err != nil {
					return "", err
				}
				return aws.ToString(out.SpotFleetRequestId), nil
			}
			plain, err := ask(&types.SpotFleetRequestConfigData{LaunchSpecifications: []types.SpotFleetLaunchSpecification{{
				ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro",
				SecurityGroups: []types.GroupIdentifier{{GroupId: aws.String("sg-1")}},
			}}})
			r.wantCode("", err)
			templated, err := ask(&types.SpotFleetRequestConfigData{LaunchTemplateConfigs: []types.LaunchTemplateConfig{{
				LaunchTemplateSpecification: &types.FleetLaunchTemplateSpecification{LaunchTemplateId: &id,
					Version: aws.String("$Default")},
				Overrides: []types.LaunchTemplateOverrides{{InstanceType: "t3.large"}},
			}}})
			r.wantCode("", err)
			out, err := r.DescribeSpotFleetRequests(t.Context(),
				&sdk.DescribeSpotFleetRequestsInput{SpotFleetRequestIds: []string{plain, templated}})
			r.wantCode("", err)
			first, second := out.SpotFleetRequestConfigs[0].SpotFleetRequestConfig, out.SpotFleetRequestConfigs[1].SpotFleetRequestConfig
			same(t, "image", aws.ToString(first.LaunchSpecifications[0].ImageId), ec2.ImageX86)
			same(t, "group", aws.ToString(first.LaunchSpecifications[0].SecurityGroups[0].GroupId), "sg-1")
			same(t, "version", aws.ToString(second.LaunchTemplateConfigs[0].LaunchTemplateSpecification.Version), "$Default")
			same(t, "override", second.LaunchTemplateConfigs[0].Overrides[0].InstanceType, "t3.large")
			if !strings.HasPrefix(plain, "sfr-") {
				t.Errorf("the id is %s", plain)
			}
			_, err = ask(&types.SpotFleetRequestConfigData{})
			r.wantCode("InvalidSpotFleetRequestConfig", err)
			_, err = r.CancelSpotFleetRequests(t.Context(),
				&sdk.CancelSpotFleetRequestsInput{SpotFleetRequestIds: []string{plain}, TerminateInstances: aws.Bool(false)})
			r.wantCode("", err)
			r.settle()
			out, err = r.DescribeSpotFleetRequests(t.Context(), &sdk.DescribeSpotFleetRequestsInput{})
			r.wantCode("", err)
			same(t, "states", []types.BatchState{out.SpotFleetRequestConfigs[0].SpotFleetRequestState,
				out.SpotFleetRequestConfigs[1].SpotFleetRequestState}, []types.BatchState{"cancelled", "active"})
		},
	},
}

var binFacts = []fact{{
	"an image comes back from the Recycle Bin as it was",
	"EBS User Guide, Recover deleted EBS-backed AMIs from Recycle Bin",
	func(t *testing.T, r *rig) {
		r.world.SetRecycleBin(7 * 24 * time.Hour)
		r.world.SetSnapshotRecycleBin(7 * 24 * time.Hour)
		image := r.made("web")
		snapshot := image.BlockDeviceMappings[0].Ebs.SnapshotId
		_, err := r.CreateTags(t.Context(),
			&sdk.CreateTagsInput{Resources: []string{*image.ImageId},
				Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}}})
		r.wantCode("", err)
		_, err = r.DeregisterImage(t.Context(),
			&sdk.DeregisterImageInput{ImageId: image.ImageId, DeleteAssociatedSnapshots: aws.Bool(true)})
		r.wantCode("", err)
		listed, err := r.ListSnapshotsInRecycleBin(t.Context(), &sdk.ListSnapshotsInRecycleBinInput{})
		r.wantCode("", err)
		same(t, "snapshots in the bin", len(listed.Snapshots), 1)
		restore := func() error {
			_, err := r.RestoreImageFromRecycleBin(t.Context(), &sdk.RestoreImageFromRecycleBinInput{ImageId: image.ImageId})
			return err
		}
		r.wantCode("InvalidSnapshot.NotFound", restore())
		_, err = r.RestoreSnapshotFromRecycleBin(t.Context(), &sdk.RestoreSnapshotFromRecycleBinInput{SnapshotId: snapshot})
		r.wantCode("", err)
		r.wantCode("", restore())
		r.wantCode("InvalidAMIID.NotFound", restore())
		back := r.image(*image.ImageId)
		same(t, "state", back.State, "available")
		same(t, "name", aws.ToString(back.Name), "web")
		same(t, "tags", r.world.Tags(*image.ImageId), map[string]string{"team": "a"})
		time.Sleep(8 * 24 * time.Hour)
		r.wantCode("InvalidAMIID.NotFound", restore())
		r.wantCode("InvalidSnapshot.InUse", r.deleteSnapshot(*snapshot))
	},
}}
