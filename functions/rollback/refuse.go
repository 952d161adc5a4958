package rollback

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/event"
	"goldsmith/shared/fault"
	"goldsmith/shared/image"
	"goldsmith/shared/rollout"
	"goldsmith/shared/tag"
)

// named is the image that a person means by an image id or a template's version; "" for none.
func named(to string, targets []*rollout.Target) (string, error) {
	if to == "" || strings.HasPrefix(to, "ami-") {
		return to, nil
	}
	version, err := strconv.ParseInt(to, 10, 64)
	if err != nil {
		return "", fault.Failure("Nothing was changed.", "to: %q is neither an image nor a version", to)
	}
	images := imagesOf(version, targets)
	switch len(images) {
	case 1:
		return images[0], nil
	case 0:
		return "", fault.Failure("Nothing was changed. Name an image instead.",
			"to: no template is known to have had an image in version %d", version)
	default:
		return "", fault.Failure("Nothing was changed. Name one of them.",
			"to: version %d means different images in different templates: %s", version, strings.Join(images, ", "))
	}
}

// imagesOf are the images that templates are known to have had in a version of that number.
func imagesOf(version int64, targets []*rollout.Target) []string {
	var images []string
	for _, t := range targets {
		if !t.Template() {
			continue
		}
		for _, p := range t.Record.Points {
			if p.Version == version && p.Image != "" && !slices.Contains(images, p.Image) {
				images = append(images, p.Image)
			}
		}
	}
	return images
}

// launchable refuses when an image that a target would go back to cannot be launched, and nothing else does.
func (s Step) launchable(ctx context.Context, asked event.Rollback, targets []*target, all []*rollout.Target) error {
	known := map[string]string{}
	why := func(id string) (string, error) {
		problem, looked := known[id]
		if looked || !strings.HasPrefix(id, imagePrefix) {
			return problem, nil
		}
		found, err := s.image(ctx, id)
		if err != nil {
			return "", err
		}
		stranger := !slices.ContainsFunc(all, func(t *rollout.Target) bool {
			return rollout.Had(t.Record, id) || t.At.Image == id // What a person has put there may stay.
		})
		known[id] = unfit(found, asked.Name, stranger)
		return known[id], nil
	}
	for _, t := range targets {
		if t.Problem != "" || t.There {
			continue
		}
		refused, err := t.back.Instead(why)
		if err != nil {
			return err
		}
		if refused != "" {
			return fault.Failure("Nothing was changed. Name another image"+others(targets, refused)+".", "to: image %s %s",
				refused, known[refused])
		}
		t.To, t.Note = t.back.To.Image, t.back.Note
	}
	return nil
}

// imagePrefix begins the id of every image; what else a template names are parameters.
const imagePrefix = "ami-"

// image is an image as EC2 shows it, disabled ones too; nil when it is gone.
func (s Step) image(ctx context.Context, id string) (*types.Image, error) {
	return imageIn(ctx, s.EC2, id)
}

func imageIn(ctx context.Context, api ec2.DescribeImagesAPIClient, id string) (*types.Image, error) {
	out, err := api.DescribeImages(ctx,
		&ec2.DescribeImagesInput{ImageIds: []string{id}, IncludeDisabled: aws.Bool(true)})
	if fault.IsNotFound(err) || err == nil && len(out.Images) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking at image %s: %w", id, err)
	}
	return &out.Images[0], nil
}

// unfit says why nothing may be pointed at the image; stranger is one that no target had before.
func unfit(found *types.Image, name string, stranger bool) string {
	switch {
	case found == nil:
		return "is gone: it was deregistered, or is not shared with this account"
	case found.State != types.ImageStateAvailable:
		return strings.TrimSpace(fmt.Sprintf("is %s. %s", found.State, image.Why(*found)))
	case stranger && tag.Map(found.Tags)[tag.Name] != name:
		return fmt.Sprintf("is no image of %s: none of its templates had it, and its tag %s says %q", name, tag.Name,
			tag.Map(found.Tags)[tag.Name])
	default:
		return ""
	}
}

// others names the images that targets are known to have had.
func others(targets []*target, but string) string {
	var images []string
	for _, t := range targets {
		for _, p := range t.known.Record.Points {
			if strings.HasPrefix(p.Image, "ami-") && p.Image != but && p.Image != t.From && !slices.Contains(images, p.Image) {
				images = append(images, p.Image)
			}
		}
	}
	if len(images) == 0 {
		return ""
	}
	return "; known are " + strings.Join(images, ", ")
}
