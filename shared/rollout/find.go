package rollout

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// Find is all that want the image, with what becomes of each: templates in
// the order they are found, then aliases.
func (f Finder) Find(ctx context.Context, roll plan.Roll, image Image) ([]*Target, error) {
	known := map[string]ledger.TargetRecord{}
	for t, err := range f.Book.Targets(ctx, image.Name) {
		if err != nil {
			return nil, fmt.Errorf("reading what %s has rolled: %w", image.Name, err)
		}
		known[t.ID] = t
	}
	targets, err := f.templates(ctx, roll, image.Name)
	if err != nil {
		return nil, err
	}
	if targets, err = f.aliases(ctx, image.Name, targets); err != nil {
		return nil, err
	}
	looked := map[types.InstanceType]*types.InstanceTypeInfo{}
	for _, t := range targets {
		if err := f.judge(ctx, t, known[t.Rolled.Target], image, looked); err != nil {
			return nil, err
		}
	}
	return targets, nil
}

// aliases puts in the place of templates that take their image from a parameter that parameter,
// and adds the one that always holds the newest image of the sources of a name.
func (f Finder) aliases(ctx context.Context, source string, targets []*Target) ([]*Target, error) {
	aliases := map[string][]string{strings.TrimSuffix(f.Path, "/") + "/" + parameterName(source): nil}
	targets = slices.DeleteFunc(targets, func(t *Target) bool {
		name, fixed, alias := Alias(t.At.Image)
		if alias && !fixed {
			aliases[name] = append(aliases[name], t.Rolled.Target)
		}
		return alias && !fixed
	})
	for _, name := range slices.Sorted(maps.Keys(aliases)) {
		at, err := orNew(f.parameter(ctx, name))
		t := &Target{At: at, Rolled: job.Rolled{Target: name, Through: aliases[name]}}
		if err := t.fail(err); err != nil {
			return nil, err
		}
		targets = append(targets, t)
	}
	return targets, nil
}

// fail makes an error that lasts the target's own problem; one that passes stays an error.
func (t *Target) fail(err error) error {
	if err == nil || fault.IsThrottled(err) || fault.IsNotYet(err) {
		return err
	}
	t.Rolled.Problem = fault.Brief(err)
	return nil
}

// judge says what becomes of one target.
func (f Finder) judge(ctx context.Context, t *Target, known ledger.TargetRecord, image Image, looked map[types.InstanceType]*types.InstanceTypeInfo) error {
	t.Record = known
	t.Record.Source, t.Record.ID, t.Record.Title = image.Name, t.Rolled.Target, t.Rolled.Name
	t.Rolled.To = image.ID
	if t.Rolled.Problem != "" {
		return nil
	}
	if begun := known.Begun; begun != nil && begun.To.Source != image.Source && f.Now().Sub(begun.To.At) < underway {
		return &fault.NotYet{Err: fmt.Errorf("%s is being changed for %s", t.Rolled.Target, begun.To.Source+begun.To.By)}
	}
	t.decide(known, image)
	if t.Decision.There || t.Rolled.Problem != "" || t.found == nil {
		return nil
	}
	return f.fits(ctx, t, image, looked)
}

// decide says what becomes of the target, and what a report says of it.
func (t *Target) decide(known ledger.TargetRecord, image Image) {
	t.Decision = Decide(t.At, known, image)
	v, r := t.Decision, &t.Rolled
	r.From, r.Previous, r.Version, r.Problem, r.Note = v.From.Image, v.From.Version, t.At.Version, v.Problem, v.Note
	if latest, ok := Latest(known); v.Made && t.At.Image != image.ID && ok {
		r.Version = latest.Version
	}
}

// fits reports a template whose instance type cannot run the image.
func (f Finder) fits(ctx context.Context, t *Target, image Image, looked map[types.InstanceType]*types.InstanceTypeInfo) error {
	wanted := typeOf(t.found.LaunchTemplateData, image)
	if wanted == "" {
		return nil
	}
	if looked[wanted] == nil {
		out, err := f.EC2.DescribeInstanceTypes(ctx, &ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{wanted}})
		if err == nil && len(out.InstanceTypes) == 0 {
			err = errors.New("EC2 does not know it")
		}
		if err != nil {
			return t.fail(fmt.Errorf("looking up instance type %s: %w", wanted, err))
		}
		looked[wanted] = &out.InstanceTypes[0]
	}
	t.Rolled.Problem = fits(*looked[wanted], image)
	return nil
}

// templates are all that want the source's image: those tagged with its
// name and those the plan lists. A listed one that does not exist is reported as not rolled.
func (f Finder) templates(ctx context.Context, roll plan.Roll, source string) ([]*Target, error) {
	ids, err := f.tagged(ctx, source)
	if err != nil {
		return nil, err
	}
	listed, names := Split(roll.Templates[source])
	var missing, found []*Target
	for _, each := range wanted(append(ids, listed...), names) {
		t := &Target{Rolled: each}
		v, err := f.standard(ctx, pointer(each.Target), pointer(each.Name))
		switch {
		case fault.IsNotFound(err):
			t.Rolled.Problem = "there is no such launch template"
			missing = append(missing, t)
			continue
		case err != nil:
			return nil, err
		}
		t.Rolled.Target, t.Rolled.Name = aws.ToString(v.LaunchTemplateId), aws.ToString(v.LaunchTemplateName)
		t.at(v)
		if !slices.ContainsFunc(found, func(o *Target) bool { return o.Rolled.Target == t.Rolled.Target }) {
			found = append(found, t)
		}
	}
	return append(missing, found...), nil
}

// at is the target at its default version.
func (t *Target) at(v version) {
	t.found = &v
	t.At = State{Version: aws.ToInt64(v.VersionNumber), Image: aws.ToString(v.LaunchTemplateData.ImageId)}
}

// standard reads a template's default version. It asks for the latest as well,
// so that a version which somebody makes in the middle of a roll shows by its number.
func (f Finder) standard(ctx context.Context, id, name *string) (version, error) {
	var v version
	out, err := f.EC2.DescribeLaunchTemplateVersions(ctx, &ec2.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateId: id, LaunchTemplateName: name, Versions: []string{"$Default", "$Latest"},
	})
	if err != nil {
		return v, fmt.Errorf("reading launch template %s%s: %w", aws.ToString(id), aws.ToString(name), err)
	}
	for _, each := range out.LaunchTemplateVersions {
		v.latest = max(v.latest, aws.ToInt64(each.VersionNumber))
		if aws.ToBool(each.DefaultVersion) {
			v.LaunchTemplateVersion = each
		}
	}
	if v.LaunchTemplateData == nil {
		return v, fmt.Errorf("reading launch template %s%s: EC2 shows no default version", aws.ToString(id), aws.ToString(name))
	}
	return v, nil
}

// wanted are templates by id, then those by name, each once.
func wanted(ids, names []string) []job.Rolled {
	var all []job.Rolled
	for i, id := range ids {
		if !slices.Contains(ids[:i], id) {
			all = append(all, job.Rolled{Target: id})
		}
	}
	for i, name := range names {
		if !slices.Contains(names[:i], name) {
			all = append(all, job.Rolled{Name: name})
		}
	}
	return all
}

func pointer(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (f Finder) tagged(ctx context.Context, name string) (ids []string, err error) {
	pages := ec2.NewDescribeLaunchTemplatesPaginator(f.EC2, &ec2.DescribeLaunchTemplatesInput{
		Filters:    []types.Filter{{Name: aws.String("tag:" + tag.Source), Values: []string{literal(name)}}},
		MaxResults: aws.Int32(200),
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for the launch templates of %s: %w", name, err)
		}
		for _, t := range out.LaunchTemplates {
			ids = append(ids, aws.ToString(t.LaunchTemplateId))
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// literal keeps EC2 from reading "*", "?" and "\\" in a name as wildcards of a filter.
func literal(value string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`).Replace(value)
}
