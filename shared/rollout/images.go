package rollout

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/awsclient"
	"goldsmith/shared/fault"
	"goldsmith/shared/ledger"
)

// present is the image that a template launches now, also where it takes that from a parameter; "" for none.
func (t *template) present() string {
	if _, _, alias := Alias(t.image(t.base)); alias {
		return t.holds
	}
	return t.image(t.base)
}

// compared is the image that the new one may be no worse than: what cannot be launched with either is no reason.
func (t *template) compared() string { return cmp.Or(t.against, t.present()) }

// ours reports whether a roll of the same source put an image there: of what kind it is need not be asked.
func ours(known ledger.TargetRecord, present string, image Image) bool {
	last, rolled := Latest(known)
	return rolled && last.Source == image.Source && last.Image == present
}

// templates are those that would launch the image: the template itself, or those that take theirs from the parameter.
func (t *Target) templates() []*template {
	if t.template != nil {
		return []*template{t.template}
	}
	return t.through
}

// learnAll reads what many targets ask for by few calls.
func (s *survey) learnAll(ctx context.Context, targets []*Target, image Image) error {
	if err := s.learnImages(ctx, targets, image); err != nil {
		return err
	}
	return s.learnSnapshots(ctx, targets)
}

// learnImages reads what targets launch now: many images by one call.
func (s *survey) learnImages(ctx context.Context, targets []*Target, image Image) error {
	wanted := map[string]bool{}
	for _, t := range targets {
		for _, each := range t.templates() {
			each.ours = ours(s.known[t.key][t.Rolled.Target], each.present(), image)
			if !each.ours && t.Rolled.Problem == "" {
				wanted[each.present()] = true
			}
		}
	}
	delete(wanted, "")
	delete(wanted, image.ID)
	if len(wanted) < 2 {
		return nil // It is asked for where it is needed.
	}
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(wanted)), awsclient.FilterValues) {
		if err := s.readImages(ctx, ids); fault.IsTransient(err) || fault.IsNotYet(err) {
			return err
		}
	}
	return nil
}

// learnSnapshots reads the snapshots that mappings name, where they are many.
func (s *survey) learnSnapshots(ctx context.Context, targets []*Target) error {
	wanted := map[string]bool{}
	for _, t := range targets {
		for _, each := range t.templates() {
			if t.Rolled.Problem == "" {
				each.snapshots(wanted)
			}
		}
	}
	if len(wanted) < many {
		return nil
	}
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(wanted)), awsclient.FilterValues) {
		if err := s.readSnapshots(ctx, ids); fault.IsTransient(err) || fault.IsNotYet(err) {
			return err
		}
	}
	return nil
}

// snapshots are those that the template's mappings name.
func (t *template) snapshots(all map[string]bool) {
	for _, m := range t.data(t.base).BlockDeviceMappings {
		if hasSnapshot(m) {
			all[*m.Ebs.SnapshotId] = true
		}
	}
}

// readSnapshots reads the sizes of snapshots. Those that are gone are left out of the answer, and asked for one by one.
func (s *survey) readSnapshots(ctx context.Context, ids []string) error {
	out, err := s.EC2.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{
		Filters: []types.Filter{{Name: aws.String("snapshot-id"), Values: ids}},
	})
	if err != nil {
		return fmt.Errorf("looking at %d snapshots: %w", len(ids), err)
	}
	for _, each := range out.Snapshots {
		s.snapshots[aws.ToString(each.SnapshotId)] = originOf(each)
	}
	return nil
}

// readImages reads images; one that is gone is left out of the answer.
func (s *survey) readImages(ctx context.Context, ids []string) error {
	pages := ec2.NewDescribeImagesPaginator(s.EC2, &ec2.DescribeImagesInput{
		Filters: []types.Filter{{Name: aws.String("image-id"), Values: ids}}, IncludeDisabled: aws.Bool(true),
	})
	read := map[string]*Machine{}
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("looking at %d images: %w", len(ids), err)
		}
		for _, i := range out.Images {
			m := MachineOf(i)
			read[aws.ToString(i.ImageId)] = &m
		}
	}
	for _, id := range ids {
		s.images[id] = read[id]
	}
	return nil
}

// origin is what EC2 says of a snapshot that a mapping names: its size, 0 when it is gone, and the image that it was
// made for.
type origin struct {
	gib   int32
	image string
}

// madeFor are EC2's words of the snapshots that CreateImage and CopyImage make. Nobody can change them.
var madeFor = regexp.MustCompile(`^(?:Created by CreateImage\(i-[0-9a-f]+\) for|Copied for DestinationAmi) (ami-[0-9a-f]+)\b`)

func originOf(s types.Snapshot) origin {
	of := origin{gib: aws.ToInt32(s.VolumeSize)}
	if found := madeFor.FindStringSubmatch(aws.ToString(s.Description)); found != nil {
		of.image = found[1]
	}
	return of
}

func (s *survey) snapshot(ctx context.Context, id string) (origin, error) {
	if known, is := s.snapshots[id]; is {
		return known, nil
	}
	out, err := s.EC2.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: []string{id}})
	if err != nil && !fault.IsNotFound(err) {
		return origin{}, fmt.Errorf("looking at snapshot %s: %w", id, err)
	}
	var found origin
	if err == nil && len(out.Snapshots) > 0 {
		found = originOf(out.Snapshots[0])
	}
	s.snapshots[id] = found
	return found, nil
}

// made is the image that Goldsmith made with a snapshot, by the register; empty for none.
func (s *survey) made(ctx context.Context, snapshot string, of origin) (string, error) {
	if of.image == "" {
		return "", nil
	}
	r, known, err := s.Ledger.Registration(ctx, of.image)
	if err != nil {
		return "", fmt.Errorf("reading whose snapshot %s is: %w", snapshot, err)
	}
	if !known || !slices.Contains(r.Snapshots, snapshot) {
		return "", nil
	}
	return of.image, nil
}

// machine is what EC2 says of an image; nil when it is gone.
func (s *survey) machine(ctx context.Context, id string) (*Machine, error) {
	if m, known := s.images[id]; known || id == "" {
		return m, nil
	}
	out, err := s.EC2.DescribeImages(ctx,
		&ec2.DescribeImagesInput{ImageIds: []string{id}, IncludeDisabled: aws.Bool(true)})
	if err != nil && !fault.IsNotFound(err) && fault.Code(err) != "InvalidAMIID.Malformed" {
		return nil, fmt.Errorf("looking at image %s: %w", id, err)
	}
	s.images[id] = nil
	if err == nil && len(out.Images) > 0 {
		m := MachineOf(out.Images[0])
		s.images[id] = &m
	}
	return s.images[id], nil
}
