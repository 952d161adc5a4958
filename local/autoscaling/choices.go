package autoscaling

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/query"
)

// mostTypes bounds how many of the types that meet an override's requirements are tried for
// one instance.
const mostTypes = 5

// meant are the choices with the types that requirements stand for, the smallest first.
func (s *Service) meant(ctx context.Context, choices []choice) ([]choice, error) {
	var all []choice
	for _, c := range choices {
		if c.requirements == nil {
			all = append(all, c)
			continue
		}
		names, err := s.typesMeeting(ctx, c)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			c.typ = name
			all = append(all, c)
		}
	}
	return all, nil
}

func (s *Service) typesMeeting(ctx context.Context, c choice) ([]string, error) {
	found, err := s.version(ctx, c.template)
	if err != nil {
		return nil, err
	}
	image := c.image
	if image == "" {
		image = aws.ToString(found.LaunchTemplateData.ImageId)
	}
	images, err := s.client.DescribeImages(ctx, &sdk.DescribeImagesInput{ImageIds: []string{image}})
	if err != nil {
		return nil, err
	}
	if len(images.Images) == 0 {
		return nil, fmt.Errorf("the image id '[%s]' does not exist", image)
	}
	out, err := s.client.GetInstanceTypesFromInstanceRequirements(ctx, &sdk.GetInstanceTypesFromInstanceRequirementsInput{
		ArchitectureTypes:    []types.ArchitectureType{types.ArchitectureType(images.Images[0].Architecture)},
		VirtualizationTypes:  []types.VirtualizationType{images.Images[0].VirtualizationType},
		InstanceRequirements: requirements(c.requirements), MaxResults: aws.Int32(mostTypes),
	})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, each := range out.InstanceTypes {
		names = append(names, aws.ToString(each.InstanceType))
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no instance type meets the requirements of the group's override")
	}
	return names, nil
}

// requirements are those that the embedded EC2 knows of a type; the others choose nothing here.
func requirements(p *query.Params) *types.InstanceRequirementsRequest {
	count := func(name string) *int32 {
		if !p.Has(name) {
			return nil
		}
		return aws.Int32(int32(p.Int(name))) //nolint:gosec // of a parsed request; a wrong one is refused by EC2
	}
	r := &types.InstanceRequirementsRequest{
		VCpuCount:            &types.VCpuCountRangeRequest{Min: count("VCpuCount.Min"), Max: count("VCpuCount.Max")},
		MemoryMiB:            &types.MemoryMiBRequest{Min: count("MemoryMiB.Min"), Max: count("MemoryMiB.Max")},
		BareMetal:            types.BareMetal(p.Text("BareMetal")),
		BurstablePerformance: types.BurstablePerformance(p.Text("BurstablePerformance")),
		LocalStorage:         types.LocalStorage(p.Text("LocalStorage")),
		AllowedInstanceTypes: p.Texts("AllowedInstanceTypes"), ExcludedInstanceTypes: p.Texts("ExcludedInstanceTypes"),
	}
	for _, each := range p.Texts("CpuManufacturers") {
		r.CpuManufacturers = append(r.CpuManufacturers, types.CpuManufacturer(each))
	}
	for _, each := range p.Texts("InstanceGenerations") {
		r.InstanceGenerations = append(r.InstanceGenerations, types.InstanceGeneration(each))
	}
	return r
}
