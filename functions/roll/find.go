package roll

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
	"goldsmith/shared/template"
)

// targets are all that want the image, with what becomes of each: templates in
// the order they are found, then aliases.
func (s Step) targets(ctx context.Context, j job.Job, image template.Image) ([]*target, error) {
	known := map[string]ledger.Target{}
	for t, err := range s.book.Targets(ctx, j.Source.Name) {
		if err != nil {
			return nil, fmt.Errorf("reading what %s has rolled: %w", j.Source.Name, err)
		}
		known[t.ID] = t
	}
	targets, err := s.find(ctx, j)
	if err != nil {
		return nil, err
	}
	aliases := map[string]bool{s.aliasOf(j.Source.Name): true}
	targets = slices.DeleteFunc(targets, func(t *target) bool {
		name, fixed, alias := template.Alias(t.at.Image)
		if alias && !fixed {
			aliases[name] = true
		}
		return alias && !fixed
	})
	for _, name := range slices.Sorted(maps.Keys(aliases)) {
		at, err := s.read(ctx, name)
		t := &target{at: at, rolled: job.Rolled{Target: name}}
		if err := t.fail(err); err != nil {
			return nil, err
		}
		targets = append(targets, t)
	}
	looked := map[types.InstanceType]*types.InstanceTypeInfo{}
	for _, t := range targets {
		if err := s.judge(ctx, t, known[t.rolled.Target], image, looked); err != nil {
			return nil, err
		}
	}
	return targets, nil
}

// fail makes an error that lasts the target's own problem; one that passes stays an error.
func (t *target) fail(err error) error {
	if err == nil || fault.IsThrottled(err) || fault.IsNotYet(err) {
		return err
	}
	t.rolled.Problem = fault.Brief(err)
	return nil
}

// underway is how long a change that somebody began may still be going on: a
// function ends within a minute.
const underway = 2 * time.Minute

func (s Step) judge(ctx context.Context, t *target, known ledger.Target, image template.Image, looked map[types.InstanceType]*types.InstanceTypeInfo) error {
	t.known = known
	t.known.Source, t.known.ID, t.known.Title = image.Name, t.rolled.Target, t.rolled.Name
	t.rolled.To = image.ID
	if t.rolled.Problem != "" {
		return nil
	}
	if begun := known.Begun; begun != nil && begun.To.Source != image.Source && s.now().Sub(begun.To.At) < underway {
		return &fault.NotYet{Err: fmt.Errorf("%s is being changed for %s", t.rolled.Target, begun.To.Source+begun.To.By)}
	}
	t.verdict = template.Decide(t.at, known, image)
	v, r := t.verdict, &t.rolled
	r.From, r.Previous, r.Version, r.Problem, r.Note = v.From.Image, v.From.Version, t.at.Version, v.Problem, v.Note
	if latest, ok := known.Latest(); v.Made && t.at.Image != image.ID && ok {
		r.Version = latest.Version
	}
	if v.There || r.Problem != "" || t.found == nil {
		return nil
	}
	return s.fits(ctx, t, image, looked)
}

// fits reports a template whose instance type cannot run the image.
func (s Step) fits(ctx context.Context, t *target, image template.Image, looked map[types.InstanceType]*types.InstanceTypeInfo) error {
	wanted := template.Type(t.found.LaunchTemplateData, image)
	if wanted == "" {
		return nil
	}
	if looked[wanted] == nil {
		out, err := s.ec2.DescribeInstanceTypes(ctx, &ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{wanted}})
		if err == nil && len(out.InstanceTypes) == 0 {
			err = errors.New("EC2 does not know it")
		}
		if err != nil {
			return t.fail(fmt.Errorf("looking up instance type %s: %w", wanted, err))
		}
		looked[wanted] = &out.InstanceTypes[0]
	}
	t.rolled.Problem = template.Fits(*looked[wanted], image)
	return nil
}

// find is every template that wants the source's image: those tagged with its
// name and those the plan lists. A listed one that does not exist is reported as not rolled.
func (s Step) find(ctx context.Context, j job.Job) ([]*target, error) {
	ids, err := s.tagged(ctx, j.Source.Name)
	if err != nil {
		return nil, err
	}
	listed, names := template.Split(j.Plan.Roll.Templates[j.Source.Name])
	var missing, found []*target
	for _, each := range wanted(append(ids, listed...), names) {
		t := &target{rolled: each}
		v, err := s.standard(ctx, pointer(each.Target), pointer(each.Name))
		switch {
		case fault.IsNotFound(err):
			t.rolled.Problem = "there is no such launch template"
			missing = append(missing, t)
			continue
		case err != nil:
			return nil, err
		}
		t.found = &v
		t.rolled.Target, t.rolled.Name = aws.ToString(v.LaunchTemplateId), aws.ToString(v.LaunchTemplateName)
		t.at = template.Now{Version: aws.ToInt64(v.VersionNumber), Image: aws.ToString(v.LaunchTemplateData.ImageId)}
		if !slices.ContainsFunc(found, func(f *target) bool { return f.rolled.Target == t.rolled.Target }) {
			found = append(found, t)
		}
	}
	return append(missing, found...), nil
}

func wanted(ids, names []string) []job.Rolled {
	var all []job.Rolled
	for _, id := range ids {
		if each := (job.Rolled{Target: id}); !slices.Contains(all, each) {
			all = append(all, each)
		}
	}
	for _, name := range names {
		if each := (job.Rolled{Name: name}); !slices.Contains(all, each) {
			all = append(all, each)
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

func (s Step) tagged(ctx context.Context, name string) (ids []string, err error) {
	pages := ec2.NewDescribeLaunchTemplatesPaginator(s.ec2, &ec2.DescribeLaunchTemplatesInput{
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
