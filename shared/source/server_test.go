package source_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"gotest.tools/v3/assert"

	"goldsmith/shared/job"
	"goldsmith/shared/source"
)

// What EC2 shows of an instance is what is kept of it. An address that goes with a stop is not.
func TestServer(t *testing.T) {
	t.Parallel()
	address := func(private, public, owner string, primary bool) types.InstancePrivateIpAddress {
		a := types.InstancePrivateIpAddress{PrivateIpAddress: aws.String(private), Primary: aws.Bool(primary)}
		if public != "" {
			a.Association = &types.InstanceNetworkInterfaceAssociation{PublicIp: aws.String(public), IpOwnerId: aws.String(owner)}
		}
		return a
	}
	face := func(id string, device int32, goes bool, addresses ...types.InstancePrivateIpAddress,
	) types.InstanceNetworkInterface {
		return types.InstanceNetworkInterface{
			NetworkInterfaceId: aws.String(id), SubnetId: aws.String("subnet-" + id), SourceDestCheck: aws.Bool(device == 0),
			Attachment: &types.InstanceNetworkInterfaceAttachment{DeviceIndex: aws.Int32(device),
				DeleteOnTermination: aws.Bool(goes)},
			Groups: []types.GroupIdentifier{{GroupId: aws.String("sg-" + id)}}, PrivateIpAddresses: addresses,
		}
	}
	got := source.Server(types.Instance{
		InstanceType: "m7g.large", VpcId: aws.String("vpc-1"), SubnetId: aws.String("subnet-a"), KeyName: aws.String("ops"),
		EbsOptimized: aws.Bool(true), InstanceLifecycle: types.InstanceLifecycleTypeSpot,
		Monitoring: &types.Monitoring{State: types.MonitoringStateEnabled},
		Placement: &types.Placement{AvailabilityZone: aws.String("eu-west-1a"), GroupName: aws.String("close"),
			PartitionNumber: aws.Int32(3), Tenancy: types.TenancyHost, HostId: aws.String("h-1")},
		IamInstanceProfile: &types.IamInstanceProfile{Arn: aws.String("arn:aws:iam::123456789012:instance-profile/web")},
		MetadataOptions: &types.InstanceMetadataOptionsResponse{HttpEndpoint: "enabled", HttpTokens: "required",
			HttpPutResponseHopLimit: aws.Int32(2), InstanceMetadataTags: "disabled"},
		NetworkInterfaces: []types.InstanceNetworkInterface{
			face("b", 1, false, address("10.0.1.8", "", "", true)),
			face("a", 0, true, address("10.0.0.9", "198.51.100.7", "123456789012", false),
				address("10.0.0.8", "203.0.113.9", "amazon", true)),
		},
	})
	assert.DeepEqual(t, *got, job.Server{
		Type: "m7g.large", Spot: true, Zone: "eu-west-1a", VPC: "vpc-1", Subnet: "subnet-a", Key: "ops", Tenancy: "host",
		Host: "h-1", Placement: "close", Partition: 3, Profile: "arn:aws:iam::123456789012:instance-profile/web",
		Optimized: true, Monitored: true,
		Metadata: job.Metadata{Endpoint: "enabled", Tokens: "required", Hops: 2, Tags: "disabled"},
		Interfaces: []job.Interface{
			{ID: "a", Subnet: "subnet-a", Private: []string{"10.0.0.8", "10.0.0.9"},
				Elastic: map[string]string{"10.0.0.9": "198.51.100.7"}, Groups: []string{"sg-a"}},
			{ID: "b", Device: 1, Subnet: "subnet-b", Private: []string{"10.0.1.8"}, Groups: []string{"sg-b"}, Stays: true,
				Forwards: true},
		},
	})
}

// Of more addresses than a job can carry the first ones are kept, and how many there are besides.
func TestServerOfManyAddresses(t *testing.T) {
	t.Parallel()
	var many types.InstanceNetworkInterface
	for n := range job.MaxAddresses + 20 {
		many.PrivateIpAddresses = append(many.PrivateIpAddresses, types.InstancePrivateIpAddress{
			PrivateIpAddress: aws.String(fmt.Sprint("10.0.0.", n)), Primary: aws.Bool(n == 60),
			Association: &types.InstanceNetworkInterfaceAssociation{PublicIp: aws.String(fmt.Sprint("198.51.100.", n)),
				IpOwnerId: aws.String("123456789012")},
		})
	}
	many.Ipv6Addresses = []types.InstanceIpv6Address{{Ipv6Address: aws.String("2001:db8::1")}}
	got := source.Server(types.Instance{NetworkInterfaces: []types.InstanceNetworkInterface{many}})
	kept := got.Interfaces[0]
	if len(kept.Private) != job.MaxAddresses || len(kept.Elastic) != job.MaxAddresses || len(kept.V6) != 0 || got.More != 21 ||
		kept.Private[0] != "10.0.0.60" {
		t.Errorf("kept are %d private, %d Elastic and %d v6 addresses, the first of them %s, and %d more",
			len(kept.Private), len(kept.Elastic), len(kept.V6), kept.Private[0], got.More)
	}
}
