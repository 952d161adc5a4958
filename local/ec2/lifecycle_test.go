package ec2_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
)

func (r *rig) stop(ids ...string) error {
	_, err := r.StopInstances(r.t.Context(), &sdk.StopInstancesInput{InstanceIds: ids})
	return err
}

func (r *rig) start(ids ...string) error {
	_, err := r.StartInstances(r.t.Context(), &sdk.StartInstancesInput{InstanceIds: ids})
	return err
}

func spot(kind types.SpotInstanceType) func(*sdk.RunInstancesInput) {
	return func(in *sdk.RunInstancesInput) {
		in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: "spot",
			SpotOptions: &types.SpotMarketOptions{SpotInstanceType: kind}}
		if kind == types.SpotInstanceTypePersistent {
			in.InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior = types.InstanceInterruptionBehaviorStop
		}
	}
}

func TestWhatCannotBeStoppedFailsTheWholeCall(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		healthy := r.running()
		instanceStore := r.running(func(in *sdk.RunInstancesInput) {
			in.ImageId, in.InstanceType = aws.String(ec2.ImageInstanceStore), "m3.medium"
		})
		once := r.running(spot("one-time"))
		persistent := r.running(spot("persistent"))
		protected := r.running()
		_, err := r.ModifyInstanceAttribute(t.Context(),
			&sdk.ModifyInstanceAttributeInput{InstanceId: &protected,
				DisableApiStop: &types.AttributeBooleanValue{Value: aws.Bool(true)}})
		if err != nil {
			t.Fatal(err)
		}
		gone := r.running()
		if err := r.world.SetState(gone, ec2.Terminated); err != nil {
			t.Fatal(err)
		}
		for id, want := range map[string]string{
			instanceStore: "UnsupportedOperation", once: "UnsupportedOperation", protected: "OperationNotPermitted",
			gone: "IncorrectInstanceState", "i-00000000000000000": "InvalidInstanceID.NotFound",
			"web": "InvalidInstanceID.Malformed",
		} {
			r.wantCode(want, r.stop(healthy, id))
			if r.world.State(healthy) != ec2.Running {
				t.Fatalf("a call that failed for %s stopped another instance", id)
			}
		}
		r.wantCode("", r.stop(healthy, persistent))
		r.wantCode("IncorrectInstanceState", r.start(gone))
		r.wantCode("IncorrectInstanceState", r.start(healthy))
		r.settle()
		r.wantCode("", r.start(healthy))
		r.wantCode("", r.start(healthy)) // Pending already: nothing to do.
	})
}

func TestWhatKeepsAnInstanceFromBeingStoppedCanBeSeen(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		persistent, plain := r.instance(r.running(spot("persistent"))), r.running()
		same(t, "lifecycle", persistent.InstanceLifecycle, "spot")
		out, err := r.DescribeSpotInstanceRequests(t.Context(),
			&sdk.DescribeSpotInstanceRequestsInput{SpotInstanceRequestIds: []string{aws.ToString(persistent.SpotInstanceRequestId)}})
		if err != nil || len(out.SpotInstanceRequests) != 1 {
			t.Fatal(err, out)
		}
		same(t, "Spot request", out.SpotInstanceRequests[0].Type, "persistent")
		_, err = r.ModifyInstanceAttribute(t.Context(),
			&sdk.ModifyInstanceAttributeInput{InstanceId: persistent.InstanceId,
				DisableApiStop: &types.AttributeBooleanValue{Value: aws.Bool(true)}})
		r.wantCode("UnsupportedOperation", err)
		_, err = r.ModifyInstanceAttribute(t.Context(),
			&sdk.ModifyInstanceAttributeInput{InstanceId: &plain,
				DisableApiStop: &types.AttributeBooleanValue{Value: aws.Bool(true)}})
		r.wantCode("", err)
		attribute, err := r.DescribeInstanceAttribute(t.Context(),
			&sdk.DescribeInstanceAttributeInput{InstanceId: &plain, Attribute: "disableApiStop"})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "disableApiStop", aws.ToBool(attribute.DisableApiStop.Value), true)
		if err := r.world.SetHibernation(plain, true); err != nil {
			t.Fatal(err)
		}
		same(t, "hibernation", aws.ToBool(r.instance(plain).HibernationOptions.Configured), true)
	})
}

func TestATerminatedInstanceIsShownForAnHour(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		id := r.running()
		volume := aws.ToString(r.instance(id).BlockDeviceMappings[0].Ebs.VolumeId)
		protect := func(on bool) {
			_, err := r.ModifyInstanceAttribute(t.Context(),
				&sdk.ModifyInstanceAttributeInput{InstanceId: &id, DisableApiTermination: &types.AttributeBooleanValue{Value: &on}})
			r.wantCode("", err)
		}
		end := func() error {
			_, err := r.TerminateInstances(t.Context(), &sdk.TerminateInstancesInput{InstanceIds: []string{id}})
			return err
		}
		protect(true)
		r.wantCode("OperationNotPermitted", end())
		protect(false)
		r.wantCode("", end())
		if r.world.State(id) != ec2.ShuttingDown {
			t.Errorf("state %s right after the call", r.world.State(id))
		}
		time.Sleep(50 * time.Minute)
		if i := r.instance(id); i.State.Name != "terminated" || len(i.BlockDeviceMappings) != 0 || i.VpcId != nil {
			t.Errorf("terminated: %+v", i)
		}
		_, err := r.DescribeVolumes(t.Context(), &sdk.DescribeVolumesInput{VolumeIds: []string{volume}})
		r.wantCode("InvalidVolume.NotFound", err)
		time.Sleep(time.Hour)
		_, err = r.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{InstanceIds: []string{id}})
		r.wantCode("InvalidInstanceID.NotFound", err)
	})
}

func TestAddressesOverAStopAndStart(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		automatic, elastic := r.running(), r.running()
		private := r.running(func(in *sdk.RunInstancesInput) {
			in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{DeviceIndex: aws.Int32(0),
				AssociatePublicIpAddress: aws.Bool(false)}}
		})
		if err := r.world.SetElasticIP(elastic, "203.0.113.9"); err != nil {
			t.Fatal(err)
		}
		before := aws.ToString(r.instance(automatic).PublicIpAddress)
		r.wantCode("", r.stop(automatic, elastic, private))
		r.settle()
		if aws.ToString(r.instance(elastic).PublicIpAddress) != "203.0.113.9" ||
			r.instance(automatic).PublicIpAddress != nil {
			t.Errorf("stopped: %v and %v", r.instance(elastic).PublicIpAddress, r.instance(automatic).PublicIpAddress)
		}
		r.wantCode("", r.start(automatic, elastic, private))
		r.settle()
		after := r.instance(automatic)
		if aws.ToString(after.PublicIpAddress) == before ||
			aws.ToString(after.NetworkInterfaces[0].Association.IpOwnerId) != "amazon" {
			t.Errorf("automatic address %s, before %s", aws.ToString(after.PublicIpAddress), before)
		}
		kept := r.instance(elastic).NetworkInterfaces[0].Association
		if aws.ToString(kept.PublicIp) != "203.0.113.9" || aws.ToString(kept.IpOwnerId) != "123456789012" {
			t.Errorf("Elastic IP: %+v", kept)
		}
		if i := r.instance(private); i.PublicIpAddress != nil || i.NetworkInterfaces[0].Association != nil {
			t.Errorf("an instance without a public address has %+v", i.PublicIpAddress)
		}
	})
}

func TestStatusChecksTakeTheirTime(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		id := aws.ToString(r.run().InstanceId)
		status := func(all bool) []types.InstanceStatus {
			out, err := r.DescribeInstanceStatus(t.Context(),
				&sdk.DescribeInstanceStatusInput{InstanceIds: []string{id}, IncludeAllInstances: &all})
			if err != nil {
				t.Fatal(err)
			}
			return out.InstanceStatuses
		}
		if len(status(false)) != 0 || status(true)[0].InstanceStatus.Status != "not-applicable" {
			t.Errorf("pending: %+v", status(true))
		}
		for r.world.State(id) != ec2.Running {
			time.Sleep(time.Second)
		}
		if s := status(false); len(s) != 1 || s[0].SystemStatus.Status != "initializing" {
			t.Errorf("just running: %+v", s)
		}
		r.settle()
		if s := status(false)[0]; s.InstanceStatus.Status != "ok" || s.SystemStatus.Status != "ok" ||
			s.InstanceStatus.Details[0].Status != "passed" {
			t.Errorf("long running: %+v", s)
		}
	})
}

func TestASuppressedRootFailsTheHealthCheck(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		id := aws.ToString(r.run(func(in *sdk.RunInstancesInput) {
			in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), NoDevice: aws.String("")}}
		}).InstanceId)
		r.settle()
		out, err := r.DescribeInstanceStatus(t.Context(), &sdk.DescribeInstanceStatusInput{InstanceIds: []string{id}})
		if err != nil {
			t.Fatal(err)
		}
		if got := out.InstanceStatuses[0].InstanceStatus.Status; got != types.SummaryStatusImpaired {
			t.Errorf("its instance status is %q", got)
		}
		if got := len(r.instance(id).BlockDeviceMappings); got != 0 {
			t.Errorf("it has %d volumes", got)
		}
	})
}

func TestRunInstancesIsIdempotentByToken(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		token := func(in *sdk.RunInstancesInput) { in.ClientToken = aws.String("one") }
		first, second := r.run(token), r.run(token)
		if aws.ToString(first.InstanceId) != aws.ToString(second.InstanceId) {
			t.Errorf("one token made %s and %s", *first.InstanceId, *second.InstanceId)
		}
		_, err := r.RunInstances(t.Context(), &sdk.RunInstancesInput{
			ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.large", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
			ClientToken: aws.String("one"),
		})
		r.wantCode("IdempotentParameterMismatch", err)
	})
}

func TestBadLaunchesAreRefused(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		for want, edit := range map[string]func(*sdk.RunInstancesInput){
			"InvalidAMIID.NotFound":    func(in *sdk.RunInstancesInput) { in.ImageId = aws.String("ami-0123456789abcdef0") },
			"InvalidAMIID.Malformed":   func(in *sdk.RunInstancesInput) { in.ImageId = aws.String("web") },
			"InvalidSubnetID.NotFound": func(in *sdk.RunInstancesInput) { in.SubnetId = aws.String("subnet-1") },
			"InvalidParameterValue":    func(in *sdk.RunInstancesInput) { in.ImageId = aws.String(ec2.ImageARM) },
			"MissingParameter":         func(in *sdk.RunInstancesInput) { in.ImageId = nil },
			"DryRunOperation":          func(in *sdk.RunInstancesInput) { in.DryRun = aws.Bool(true) },
		} {
			in := &sdk.RunInstancesInput{ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro", MinCount: aws.Int32(1),
				MaxCount: aws.Int32(1)}
			edit(in)
			_, err := r.RunInstances(t.Context(), in)
			r.wantCode(want, err)
		}
		_, err := r.CreateVpc(t.Context(), &sdk.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})
		r.wantCode("InvalidAction", err)
	})
}
