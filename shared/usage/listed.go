package usage

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const (
	// referencesMost is how many images DescribeImageReferences takes (API reference).
	referencesMost = 10
	// referencesPage is its page; EC2 takes 5 to 1,000 (API reference of paginated describes).
	referencesPage = 1000
	// depth is its most versions of a launch template, and how many one may have; it looks at 10 when not told.
	depth = "10000"
)

// references adds what EC2 itself says refers to the images: parameters under any name, recipes of
// Image Builder, and whatever the describes before it have missed. That it does not name
// something proves nothing: groups, launch configurations and other accounts are not in it.
func (g Finder) references(ctx context.Context, s *search) error {
	for ids := range slices.Chunk(s.ids, referencesMost) {
		pages := ec2.NewDescribeImageReferencesPaginator(g.EC2, &ec2.DescribeImageReferencesInput{
			ImageIds: ids, IncludeAllResourceTypes: aws.Bool(true), MaxResults: aws.Int32(referencesPage),
			ResourceTypes: []types.ResourceTypeRequest{{
				ResourceType: types.ImageReferenceResourceTypeEc2LaunchTemplate,
				ResourceTypeOptions: []types.ResourceTypeOption{{
					OptionName: types.ImageReferenceOptionNameVersionDepth, OptionValues: []string{depth},
				}},
			}},
		})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, r := range out.ImageReferences {
				s.reference(r)
			}
		}
	}
	return nil
}

// reference notes one. A template whose default, latest and pinned versions have been read and
// launch other images can only mean an old version: that is no use, or no image would ever go.
func (s *search) reference(r types.ImageReference) {
	image, arn := aws.ToString(r.ImageId), aws.ToString(r.Arn)
	id := arn[strings.LastIndex(arn, "/")+1:]
	switch r.ResourceType {
	case types.ImageReferenceResourceTypeEc2Instance:
		s.add(image, id, "instance "+id)
	case types.ImageReferenceResourceTypeEc2LaunchTemplate:
		if !s.read[id] {
			s.add(image, id, "launch template "+id)
			return
		}
		if !slices.Contains(s.old[image], id) {
			s.old[image] = append(s.old[image], id)
		}
	case types.ImageReferenceResourceTypeSsmParameter:
		name := parameterName(arn)
		s.add(image, "parameter "+name, "parameter "+name)
	case types.ImageReferenceResourceTypeImageBuilderImageRecipe,
		types.ImageReferenceResourceTypeImageBuilderContainerRecipe:
		s.add(image, arn, "Image Builder recipe "+arn)
	default:
		s.add(image, arn, string(r.ResourceType)+" "+arn)
	}
}

// parameterName is the name behind an ARN, which has lost its slash unless the name has
// levels: parameter/a is a, parameter/a/b is /a/b (Systems Manager User Guide, "About
// requirements and constraints for parameter names").
func parameterName(arn string) string {
	_, name, ok := strings.Cut(arn, ":parameter/")
	if !ok {
		return arn
	}
	if strings.Contains(name, "/") {
		return "/" + name
	}
	return name
}
