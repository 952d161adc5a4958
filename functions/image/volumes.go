package image

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
	"goldsmith/shared/rollout"
)

// volumes decides whether what is launched from the image leaves volumes behind, and says so.
func (s Step) volumes(ctx context.Context, j job.Job) (job.Job, error) {
	always, warning, err := s.finder().Volumes(ctx, j.Plan, j.Source)
	if err != nil || warning == nil {
		return j, err
	}
	j.Image.DeleteOnTermination = always
	if !slices.ContainsFunc(j.Warnings, func(w job.Reason) bool { return w.Code == warning.Code }) {
		j.Warnings = append(j.Warnings, *warning)
	}
	return j, nil
}

func (s Step) finder() rollout.Finder {
	return rollout.Finder{EC2: s.EC2, Groups: s.Groups, Path: s.Path, Now: s.Now}
}

// mappings leave volumes out, and change the one thing that CreateImage lets them change of an existing volume: whether
// it is deleted with its instance (API reference, CreateImage; BlockDeviceMapping, NoDevice, whose empty value is what
// counts).
func mappings(j job.Job) (all []types.BlockDeviceMapping) {
	for _, device := range j.Image.Without() {
		all = append(all, types.BlockDeviceMapping{DeviceName: aws.String(device), NoDevice: aws.String("")})
	}
	if !j.Image.DeleteOnTermination {
		return all
	}
	for _, device := range j.Source.Kept {
		all = append(all, types.BlockDeviceMapping{DeviceName: aws.String(device),
			Ebs: &types.EbsBlockDevice{DeleteOnTermination: aws.Bool(true)}})
	}
	return all
}
