package usage

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
)

const (
	// filterValues is how many values EC2 takes in one request's filters (User Guide, "Filter your resources").
	filterValues = 200
	// instancesPage and versionsPage are the largest pages of their describes.
	instancesPage = 1000
	versionsPage  = 200
)

// instances in any state use their image: one that is stopped is started again, and one that
// is terminated may be a launch that a group is about to repeat.
func (g Finder) instances(ctx context.Context, s *search) error {
	for ids := range slices.Chunk(s.ids, filterValues) {
		pages := ec2.NewDescribeInstancesPaginator(g.EC2, &ec2.DescribeInstancesInput{
			Filters: []types.Filter{{Name: aws.String("image-id"), Values: ids}}, MaxResults: aws.Int32(instancesPage),
		})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, r := range out.Reservations {
				for _, i := range r.Instances {
					s.instance(i)
				}
			}
		}
	}
	return nil
}

func (s *search) instance(i types.Instance) {
	id, state := aws.ToString(i.InstanceId), "state unknown"
	if i.State != nil {
		state = string(i.State.Name)
	}
	s.add(aws.ToString(i.ImageId), id, fmt.Sprintf("instance %s (%s)", id, state))
}

// templates reads the default and the latest version of every template, which EC2 lists
// without a template's id (API reference, DescribeLaunchTemplateVersions).
func (g Finder) templates(ctx context.Context, s *search) error {
	pages := ec2.NewDescribeLaunchTemplateVersionsPaginator(g.EC2, &ec2.DescribeLaunchTemplateVersionsInput{
		Versions: []string{"$Default", "$Latest"}, MaxResults: aws.Int32(versionsPage),
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, v := range out.LaunchTemplateVersions {
			s.read[aws.ToString(v.LaunchTemplateId)] = true
			s.titles[aws.ToString(v.LaunchTemplateId)] = aws.ToString(v.LaunchTemplateName)
			which := "its latest"
			if aws.ToBool(v.DefaultVersion) {
				which = "its default"
			}
			s.name(v, versionOf(v),
				fmt.Sprintf("launch template %s version %d, %s", called(v), aws.ToInt64(v.VersionNumber), which))
		}
	}
	return nil
}

// name notes the image that a template's version launches, and the snapshots that it makes volumes from.
func (s *search) name(v types.LaunchTemplateVersion, resource, why string) {
	if v.LaunchTemplateData == nil {
		return
	}
	s.named = append(s.named, mention{aws.ToString(v.LaunchTemplateData.ImageId), use{resource, why}})
	for _, m := range v.LaunchTemplateData.BlockDeviceMappings {
		if m.Ebs != nil {
			s.snapshot(m.Ebs.SnapshotId, resource, why)
		}
	}
}

func versionOf(v types.LaunchTemplateVersion) string {
	return fmt.Sprintf("%s:%d", aws.ToString(v.LaunchTemplateId), aws.ToInt64(v.VersionNumber))
}

func called(v types.LaunchTemplateVersion) string {
	return fmt.Sprintf("%s (%s)", aws.ToString(v.LaunchTemplateName), aws.ToString(v.LaunchTemplateId))
}

// permissions are what other accounts may launch; EC2 tells of one image at a time.
func (g Finder) permissions(ctx context.Context, s *search) error {
	for _, i := range s.images {
		out, err := g.EC2.DescribeImageAttribute(ctx, &ec2.DescribeImageAttributeInput{
			ImageId: i.ImageId, Attribute: types.ImageAttributeNameLaunchPermission,
		})
		if fault.IsNotFound(err) {
			s.add(aws.ToString(i.ImageId), "permissions", "who may launch it cannot be read: "+fault.Code(err))
			continue
		}
		if err != nil {
			return err
		}
		for _, p := range out.LaunchPermissions {
			if s.gave(aws.ToString(i.ImageId), p) {
				s.own[aws.ToString(i.ImageId)] = true
				continue
			}
			s.permission(i, p)
		}
	}
	return nil
}

func (s *search) permission(i types.Image, p types.LaunchPermission) {
	id := aws.ToString(i.ImageId)
	switch {
	case p.Group == types.PermissionGroupAll:
		s.add(id, "all", "public")
	case p.OrganizationArn != nil:
		s.add(id, *p.OrganizationArn, "shared with organization "+*p.OrganizationArn)
	case p.OrganizationalUnitArn != nil:
		s.add(id, *p.OrganizationalUnitArn, "shared with organizational unit "+*p.OrganizationalUnitArn)
	case p.UserId == nil:
		s.add(id, "another account", "shared with an account that EC2 does not name")
	case *p.UserId != aws.ToString(i.OwnerId):
		s.add(id, *p.UserId, "shared with account "+*p.UserId)
	}
}
