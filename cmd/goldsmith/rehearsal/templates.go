package rehearsal

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/plan"
	"goldsmith/shared/rollout"
)

// Roll is one launch template or alias and what the run would do with it.
type Roll struct {
	// Source is the id of the source whose image it takes.
	Source string `json:"source"`
	// Region is that of the copy that it takes; empty for what takes the image itself.
	Region string `json:"region,omitempty"`
	job.Rolled
}

// rolls is what would be rolled at home.
type rolls struct {
	all []Roll
	// images are those that would be, in the order in which sources are asked about, and prospects what each would bring.
	images    []rollout.Image
	prospects []prospect
	// left is the ledger as that would leave it.
	left *rolledHome
}

// templates are the targets of every source that would be imaged, and what they would be. To is what
// Expected calls the new image. A source whose name is another's is warned of.
func (s Stage) templates(ctx context.Context, run job.Run, p plan.Plan, sources []Source) (r rolls, err error) {
	r.all = []Roll{}
	if p.Roll.Skip {
		return r, nil
	}
	names := &titles{Ledger: s.Ledger, taken: map[string]ledger.Owner{}}
	r.left = &rolledHome{Ledger: names, register: s.Ledger, records: map[string]map[string]ledger.TargetRecord{}}
	finder := rollout.Finder{
		EC2: s.EC2, Groups: s.AutoScaling, Parameters: s.Parameters, Ledger: names, Path: s.Path, Now: s.Now,
		Lineages: lineage.Finder{EC2: s.EC2, Groups: s.AutoScaling},
	}
	first := map[string]string{}
	for _, n := range byID(sources) {
		src := &sources[n]
		if !src.rolled() {
			continue
		}
		image, err := s.expected(ctx, *src, run)
		if err != nil {
			return r, err
		}
		found, err := finder.Find(ctx, p.Roll, image)
		if err != nil {
			return r, fmt.Errorf("looking at what takes the image of %s: %w", src.Name, err)
		}
		if reason := found.Reason(image); reason != nil {
			src.Warnings = append(src.Warnings, *reason)
		}
		r.all = append(r.all, decided(found, names, first, p.Roll, image)...)
		for _, t := range found.Targets {
			r.left.put(t.After(image, s.Now()))
		}
		r.images, r.prospects = append(r.images, image), append(r.prospects, prospectOf(src.ID, found.Targets))
	}
	return r, nil
}

// decided is what becomes of the targets of a source, with what sources before it would be rolled into and take.
func decided(found rollout.Found, names *titles, first map[string]string, roll plan.Roll,
	image rollout.Image) (all []Roll) {
	once(first, image.Source, found.Targets)
	names.take(found, roll.Together)
	if roll.Together {
		rollout.Together(found.Targets, image)
	}
	for _, t := range found.Targets {
		all = append(all, Roll{Source: image.Source, Rolled: t.Rolled.Short()})
	}
	return all
}

// imaged reports whether an image would be made of it. Of a disk that was not looked at nothing is known.
func (s Source) imaged() bool {
	return s.Decision != job.SkipIt && (s.Decision != job.RegisterIt || s.Registering != nil)
}

// once leaves what an earlier source of the run would have been rolled into alone.
func once(first map[string]string, source string, targets []*rollout.Target) {
	for _, t := range targets {
		if t.Rolled.Problem != "" {
			continue
		}
		other, taken := first[t.Rolled.Target]
		if !taken {
			first[t.Rolled.Target] = source
			continue
		}
		t.Rolled.Problem = rollout.OfAnother(other, t.Record.Source)
	}
}

// titles is the ledger with the names and parameters that sources of the run would have taken.
type titles struct {
	rollout.Ledger
	taken map[string]ledger.Owner
}

// take notes what a source takes with its roll.
func (t *titles) take(found rollout.Found, together bool) {
	for _, o := range found.Owners(together) {
		t.taken[o.Name] = o
	}
}

// Owner implements rollout.Ledger.
func (t *titles) Owner(ctx context.Context, name string) (ledger.Owner, bool, error) {
	if o, ok := t.taken[name]; ok {
		return o, true, nil
	}
	return t.Ledger.Owner(ctx, name)
}

// rolledHome is the ledger as the rolls at home would leave it.
type rolledHome struct {
	rollout.Ledger
	register interface {
		Registrations(ctx context.Context, lineage string) iter.Seq2[ledger.Registration, error]
	}
	// records are those of targets, by key and by id.
	records map[string]map[string]ledger.TargetRecord
}

func (h *rolledHome) put(r ledger.TargetRecord) {
	if h.records[r.Source] == nil {
		h.records[r.Source] = map[string]ledger.TargetRecord{}
	}
	h.records[r.Source][r.ID] = r
}

// Targets are those that there are, and those to come, in the ledger's order.
func (h *rolledHome) Targets(ctx context.Context, source string) iter.Seq2[ledger.TargetRecord, error] {
	return func(yield func(ledger.TargetRecord, error) bool) {
		all := maps.Clone(h.records[source])
		if all == nil {
			all = map[string]ledger.TargetRecord{}
		}
		for t, err := range h.Ledger.Targets(ctx, source) {
			if err != nil {
				yield(t, err)
				return
			}
			if _, later := all[t.ID]; !later {
				all[t.ID] = t
			}
		}
		for _, id := range slices.Sorted(maps.Keys(all)) {
			if !yield(all[id], nil) {
				return
			}
		}
	}
}

// Registrations are those that there are.
func (h *rolledHome) Registrations(ctx context.Context, lineage string) iter.Seq2[ledger.Registration, error] {
	return h.register.Registrations(ctx, lineage)
}

// byID are indices of sources: of those of one name that a run images the newest snapshot has the last word, and of
// instances the one with the lowest id.
func byID(sources []Source) []int {
	order := make([]int, len(sources))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(sources[b].taken.Compare(sources[a].taken), cmp.Compare(sources[a].ID, sources[b].ID))
	})
	return order
}

// expected is the image that the run would make. CreateImage takes over architecture, virtualization, ENA, TPM
// and volumes from the instance, and the boot mode of the image that it was launched from.
func (s Stage) expected(ctx context.Context, src Source, run job.Run) (rollout.Image, error) {
	i, left := src.instance, job.Image{LeftOut: src.LeftOut}
	image := rollout.Image{
		ID: Expected(src.ID), Run: run.Name,
		Source: src.ID, Lineage: src.job().OverTime(), Name: src.Name, Taken: src.taken,
		LeftOut: left.Without(),
	}
	if src.Registering != nil {
		image.Machine = src.machine(*src.Registering)
		return image, nil
	}
	image.Machine = rollout.Machine{
		Architecture: string(i.Architecture), BootMode: string(i.BootMode), Virtualization: string(i.VirtualizationType),
		TPM: aws.ToString(i.TpmSupport), ENA: aws.ToBool(i.EnaSupport), Root: aws.ToString(i.RootDeviceName),
		Windows: rollout.Windows(i.Platform),
	}
	device := map[string]string{}
	var ids []string
	for _, m := range i.BlockDeviceMappings {
		if m.Ebs != nil && !left.Leaves(aws.ToString(m.Ebs.VolumeId)) {
			device[aws.ToString(m.Ebs.VolumeId)] = aws.ToString(m.DeviceName)
			ids = append(ids, aws.ToString(m.Ebs.VolumeId))
		}
	}
	if len(ids) == 0 {
		return image, nil
	}
	out, err := s.EC2.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{VolumeIds: ids})
	if err != nil {
		return image, fmt.Errorf("looking at the volumes of %s: %w", src.ID, err)
	}
	for _, v := range out.Volumes {
		image.Add(device[aws.ToString(v.VolumeId)], types.EbsBlockDevice{
			VolumeSize: v.Size, VolumeType: v.VolumeType, Iops: v.Iops, Throughput: v.Throughput, Encrypted: v.Encrypted,
		})
	}
	return image, nil
}
