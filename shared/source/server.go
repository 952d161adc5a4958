package source

import (
	"cmp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
)

// Server is what an instance is besides its disks.
func Server(i types.Instance) *job.Server {
	s := &job.Server{
		Type: string(i.InstanceType), VPC: aws.ToString(i.VpcId), Subnet: aws.ToString(i.SubnetId),
		Key: aws.ToString(i.KeyName), Optimized: aws.ToBool(i.EbsOptimized),
		Spot:      i.InstanceLifecycle == types.InstanceLifecycleTypeSpot,
		Monitored: i.Monitoring != nil && i.Monitoring.State == types.MonitoringStateEnabled,
	}
	if p := i.Placement; p != nil {
		s.Zone, s.Host, s.Placement = aws.ToString(p.AvailabilityZone), aws.ToString(p.HostId), aws.ToString(p.GroupName)
		s.Partition = int(aws.ToInt32(p.PartitionNumber))
		if p.Tenancy != types.TenancyDefault {
			s.Tenancy = string(p.Tenancy)
		}
	}
	if p := i.IamInstanceProfile; p != nil {
		s.Profile = aws.ToString(p.Arn)
	}
	if m := i.MetadataOptions; m != nil {
		s.Metadata = job.Metadata{Endpoint: string(m.HttpEndpoint), Tokens: string(m.HttpTokens),
			Hops: int(aws.ToInt32(m.HttpPutResponseHopLimit)), Tags: string(m.InstanceMetadataTags)}
	}
	for _, n := range i.NetworkInterfaces {
		s.Interfaces = append(s.Interfaces, interfaceOf(n))
	}
	slices.SortStableFunc(s.Interfaces, func(a, b job.Interface) int { return cmp.Compare(a.Device, b.Device) })
	bound(s)
	return s
}

// bound leaves out what is more than the most addresses.
func bound(s *job.Server) {
	left := job.MaxAddresses
	for n := range s.Interfaces {
		i := &s.Interfaces[n]
		for _, list := range []*[]string{&i.Private, &i.V6} {
			kept := min(left, len(*list))
			for _, private := range (*list)[kept:] {
				delete(i.Elastic, private)
			}
			left, s.More = left-kept, s.More+len(*list)-kept
			*list = (*list)[:kept]
		}
	}
}

// amazon is the owner of public addresses that go with a stop; of others the account is (API reference,
// InstanceNetworkInterfaceAssociation).
const amazon = "amazon"

func interfaceOf(n types.InstanceNetworkInterface) job.Interface {
	out := job.Interface{ID: aws.ToString(n.NetworkInterfaceId), Subnet: aws.ToString(n.SubnetId),
		Forwards: !aws.ToBool(n.SourceDestCheck)}
	if a := n.Attachment; a != nil {
		out.Device, out.Stays = int(aws.ToInt32(a.DeviceIndex)), !aws.ToBool(a.DeleteOnTermination)
	}
	for _, g := range n.Groups {
		out.Groups = append(out.Groups, aws.ToString(g.GroupId))
	}
	for _, a := range n.Ipv6Addresses {
		out.V6 = append(out.V6, aws.ToString(a.Ipv6Address))
	}
	addresses := slices.Clone(n.PrivateIpAddresses)
	slices.SortStableFunc(addresses, func(a, b types.InstancePrivateIpAddress) int {
		return cmp.Compare(rank(a), rank(b))
	})
	for _, a := range addresses {
		private := aws.ToString(a.PrivateIpAddress)
		out.Private = append(out.Private, private)
		if public := a.Association; public != nil && aws.ToString(public.IpOwnerId) != amazon {
			if out.Elastic == nil {
				out.Elastic = map[string]string{}
			}
			out.Elastic[private] = aws.ToString(public.PublicIp)
		}
	}
	return out
}

func rank(a types.InstancePrivateIpAddress) int {
	if aws.ToBool(a.Primary) {
		return 0
	}
	return 1
}
