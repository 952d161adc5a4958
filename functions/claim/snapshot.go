package claim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

const (
	// storing is how long a request waits for a snapshot that is pending: like an image it may take a day.
	storing = 30 * time.Hour
	// storingLooks is how often it is looked at meanwhile.
	storingLooks = 5 * time.Minute
)

// snapshot decides about a snapshot. Nothing is stopped for one, so that it takes no place and no turn, and neither the
// window nor the breaker keeps it. Its claim is its own: a run that images its instance goes on.
func (s Step) snapshot(ctx context.Context, j job.Job, claim ledger.Claim) (job.Job, error) {
	found, ok, err := source.FindSnapshot(ctx, s.EC2, j.Source.ID)
	if err != nil {
		return j, err
	}
	if !ok {
		return s.absent(j, source.NoSnapshot)
	}
	if found.KmsKeyId != nil && !slices.Contains(j.Source.Notes, job.Encrypted) {
		j.Source.Notes = append(slices.Clone(j.Source.Notes), job.Encrypted)
	}
	tags := tag.Map(found.Tags)
	j.Source.Tags, j.Source.Name = tags, source.Name(tags, j.Source.ID)
	if reason := source.UnwantedSnapshot(j.Run, j.Source.ID, j.Plan.Sources, tags); reason != nil {
		return s.unwanted(j, *reason)
	}
	if reason, pending := source.Unfit(found); reason != nil {
		return s.stored(j, *reason, pending), nil
	}
	var of map[string]string
	if j.Source, of, err = s.origin(ctx, j.Source, found); err != nil {
		return j, err
	}
	if reason := source.UnwantedOf(j.Run, j.Source.ID, j.Plan.Sources, of); reason != nil {
		return s.unwanted(j, *reason)
	}
	j.Image.Name, j.Turn = image.Name(j), nil
	j.Decision, j.Back = job.RegisterIt, true
	j.General, j.Warnings = source.GeneralOfSnapshot(j.Plan)
	claim.Name, claim.Looked = j.Source.Name, true
	if err := s.Ledger.Record(ctx, claim); err != nil {
		return j, fmt.Errorf("recording the claim of %s: %w", j.Source.ID, err)
	}
	return j, nil
}

// stored is a snapshot that is not completed. One that is pending is waited for.
func (s Step) stored(j job.Job, reason job.Reason, pending bool) job.Job {
	turn := job.Turn{Seconds: int(storingLooks.Seconds()), Since: s.Now().UTC()}
	if j.Turn != nil {
		turn.Since = j.Turn.Since
	}
	if waited := s.Now().Sub(turn.Since); !pending || waited >= storing {
		return skip(j, job.NotRegistrable, reason.Text)
	}
	j.Decision, j.Turn = job.WaitFirst, &turn
	return j
}

// origin fills in what the later steps need to know of the instance that a snapshot was made of: its lineage, its tags
// and its type; and that instance's own tags. A snapshot of a volume that is not its instance's root volume has the
// volume's lineage: anyone who may attach a volume would speak for the instance otherwise.
func (s Step) origin(ctx context.Context, src job.Source, found types.Snapshot,
) (_ job.Source, of map[string]string, err error) {
	lineages, err := lineage.OfStored(ctx, s.EC2, []string{src.ID}, source.Name)
	if err != nil {
		return src, nil, err
	}
	madeOf := lineages[src.ID]
	instance, there := types.Instance{}, false
	if strings.HasPrefix(madeOf, "i-") {
		if instance, there, err = source.Find(ctx, s.EC2, madeOf); err != nil {
			return src, nil, err
		}
	}
	if source.Speaks(instance, there, found) {
		src, err = s.ofInstance(ctx, src, instance)
		return src, source.Tags(instance), err
	}
	src.Lineage = source.Unspoken(found, madeOf)
	return src, nil, nil
}

func (s Step) ofInstance(ctx context.Context, src job.Source, instance types.Instance) (job.Source, error) {
	id, tags := aws.ToString(instance.InstanceId), source.Tags(instance)
	src.Tags = source.Inherited(src.Tags, tags)
	src.Name = source.Name(src.Tags, src.ID)
	src.InstanceType = string(instance.InstanceType)
	group, err := s.lineage(ctx, job.Source{ID: id, Tags: tags})
	if err != nil {
		return src, err
	}
	if src.Lineage = group; group == "" {
		src.Lineage = id
	}
	return src, nil
}
