// Package restore knows what a server would need to be restored beside its image, and what of that there is no more.
package restore

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
	"goldsmith/shared/tag"
)

// API looks for what a server needs.
type API interface {
	ec2.DescribeSubnetsAPIClient
	ec2.DescribeSecurityGroupsAPIClient
	ec2.DescribeInstanceTypesAPIClient
	DescribeKeyPairs(
		context.Context, *ec2.DescribeKeyPairsInput, ...func(*ec2.Options),
	) (*ec2.DescribeKeyPairsOutput, error)
}

// Unseen are what Lacks does not look at: calls that tell of them are refused to most who may list images.
const Unseen = "instance profiles, whether addresses are free, placement groups and Dedicated Hosts"

// Lacks names what the server had and what there is no more in this Region. What is denied to
// the caller is an error.
func Lacks(ctx context.Context, api API, s job.Server) (lacks []string, err error) {
	for _, look := range []func(context.Context, API, job.Server) ([]string, error){kind, subnets, groups, key} {
		gone, err := look(ctx, api, s)
		if err != nil {
			return nil, err
		}
		lacks = append(lacks, gone...)
	}
	return lacks, nil
}

func kind(ctx context.Context, api API, s job.Server) ([]string, error) {
	out, err := api.DescribeInstanceTypes(ctx, &ec2.DescribeInstanceTypesInput{
		Filters: one("instance-type", s.Type),
	})
	if err != nil {
		return nil, fmt.Errorf("asking for instance type %s: %w", s.Type, err)
	}
	if len(out.InstanceTypes) == 0 {
		return []string{"instance type " + s.Type}, nil
	}
	return nil, nil
}

func subnets(ctx context.Context, api API, s job.Server) ([]string, error) {
	wanted := []string{s.Subnet}
	for _, i := range s.Interfaces {
		wanted = append(wanted, i.Subnet)
	}
	if wanted = distinct(wanted); len(wanted) == 0 {
		return nil, nil
	}
	out, err := api.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: one("subnet-id", wanted...)})
	if err != nil {
		return nil, fmt.Errorf("asking for subnets: %w", err)
	}
	var there []string
	for _, subnet := range out.Subnets {
		there = append(there, aws.ToString(subnet.SubnetId))
	}
	return missing("subnet", wanted, there), nil
}

func groups(ctx context.Context, api API, s job.Server) ([]string, error) {
	var wanted, there []string
	for _, i := range s.Interfaces {
		wanted = append(wanted, i.Groups...)
	}
	if wanted = distinct(wanted); len(wanted) == 0 {
		return nil, nil
	}
	pages := ec2.NewDescribeSecurityGroupsPaginator(api, &ec2.DescribeSecurityGroupsInput{
		Filters: one("group-id", wanted...), MaxResults: aws.Int32(1000)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("asking for security groups: %w", err)
		}
		for _, g := range out.SecurityGroups {
			there = append(there, aws.ToString(g.GroupId))
		}
	}
	return missing("security group", wanted, there), nil
}

func key(ctx context.Context, api API, s job.Server) ([]string, error) {
	if s.Key == "" {
		return nil, nil
	}
	out, err := api.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{Filters: one("key-name", tag.Literal(s.Key))})
	if err != nil {
		return nil, fmt.Errorf("asking for key pair %s: %w", s.Key, err)
	}
	if len(out.KeyPairs) == 0 {
		return []string{"key pair " + s.Key}, nil
	}
	return nil, nil
}

// one is a filter: what a filter does not find is left out, where an id that is not there is an error.
func one(name string, values ...string) []types.Filter {
	return []types.Filter{{Name: aws.String(name), Values: values}}
}

func distinct(all []string) []string {
	all = slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == "" })
	slices.Sort(all)
	return slices.Compact(all)
}

func missing(what string, wanted, there []string) (gone []string) {
	for _, id := range wanted {
		if !slices.Contains(there, id) {
			gone = append(gone, what+" "+id)
		}
	}
	return gone
}
