package rollout

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// many is from how many templates on all of the Region are read at once.
const many = 20

// templates are all that want the source's image: those tagged with one of its keys and those that the
// plan lists by one. A listed one that does not exist is reported as not rolled.
func (s *survey) templates(ctx context.Context, roll plan.Roll, keys []string) ([]*Target, error) {
	tagged, err := TagsOf(ctx, s.EC2, keys)
	if err != nil {
		return nil, err
	}
	by := list(roll, keys)
	if err := s.readAll(ctx, len(tagged)+len(by.key) >= many, len(by.key) >= many); err != nil {
		return nil, err
	}
	var missing, found []*Target
	for _, each := range wanted(append(slices.Sorted(maps.Keys(tagged)), by.ids...), by.names) {
		t := &Target{Rolled: each, key: cmp.Or(by.key[each.Target], by.key[each.Name], keys[0])}
		if t.template, err = s.named(ctx, each); fault.IsNotFound(err) {
			t.Rolled.Problem = "there is no such launch template"
			missing = append(missing, t)
			continue
		}
		if err != nil {
			return nil, err
		}
		id := t.template.id
		if t.template.tags = s.tagged[id]; tagged[id] != nil {
			t.template.tags, t.key = tagged[id], tagged[id][tag.Source]
		}
		t.Rolled.Target, t.Rolled.Name = id, t.template.name
		t.template.listed = by.key[id] != "" || by.key[t.template.name] != ""
		t.disputed(by)
		if !slices.ContainsFunc(found, func(o *Target) bool { return o.Rolled.Target == t.Rolled.Target }) {
			found = append(found, t)
		}
	}
	return append(missing, found...), nil
}

// readAll reads all templates of the Region, and their tags, where many are asked for.
func (s *survey) readAll(ctx context.Context, templates, tags bool) (err error) {
	if templates {
		if s.byID, err = s.all(ctx); err != nil {
			return err
		}
	}
	if tags {
		if s.tagged, err = TagsOf(ctx, s.EC2, nil); err != nil {
			return err
		}
	}
	s.byName = map[string]*template{}
	for _, t := range s.byID {
		s.byName[t.name] = t
	}
	return nil
}

// named is a template by its id or by its name.
func (s *survey) named(ctx context.Context, each job.Rolled) (*template, error) {
	t := s.byID[each.Target]
	if each.Target == "" {
		t = s.byName[each.Name]
	}
	if t != nil && t.defaultVersion != 0 {
		return t, nil
	}
	return s.read(ctx, pointer(each.Target), pointer(each.Name))
}

// wanted are templates by id, then those by name, each once.
func wanted(ids, names []string) []job.Rolled {
	var all []job.Rolled
	seen := map[string]bool{}
	for _, id := range ids {
		if !seen[id] {
			all = append(all, job.Rolled{Target: id})
		}
		seen[id] = true
	}
	for _, name := range names {
		if !seen[name] {
			all = append(all, job.Rolled{Name: name})
		}
		seen[name] = true
	}
	return all
}

func pointer(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// TagsOf are the tags of the templates that are tagged with one of a source's keys, by id; of all templates where no
// keys are given.
func TagsOf(
	ctx context.Context, api ec2.DescribeLaunchTemplatesAPIClient, keys []string,
) (map[string]map[string]string, error) {
	in := &ec2.DescribeLaunchTemplatesInput{MaxResults: aws.Int32(200)}
	if len(keys) > 0 {
		values := make([]string, len(keys))
		for i, key := range keys {
			values[i] = tag.Literal(key)
		}
		in.Filters = []types.Filter{{Name: aws.String("tag:" + tag.Source), Values: values}}
	}
	pages := ec2.NewDescribeLaunchTemplatesPaginator(api, in)
	all := map[string]map[string]string{}
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for the launch templates of %s: %w", cmp.Or(listed(keys), "the Region"), err)
		}
		for _, t := range out.LaunchTemplates {
			all[aws.ToString(t.LaunchTemplateId)] = tag.Map(t.Tags)
		}
	}
	return all, nil
}

// listing are the templates that a plan lists, by id and by name, and the key that it lists each by.
type listing struct {
	ids, names []string
	key        map[string]string
	// others are the keys of other sources, by what the plan lists for them.
	others map[string]string
}

func list(roll plan.Roll, keys []string) listing {
	l := listing{key: map[string]string{}, others: map[string]string{}}
	for _, key := range slices.Sorted(maps.Keys(roll.Templates)) {
		if slices.Contains(keys, key) {
			continue
		}
		for _, each := range roll.Templates[key] {
			l.others[each] = cmp.Or(l.others[each], key)
		}
	}
	for _, key := range keys {
		ids, names := Split(roll.Templates[key])
		l.ids, l.names = append(l.ids, ids...), append(l.names, names...)
		for _, each := range slices.Concat(ids, names) {
			l.key[each] = cmp.Or(l.key[each], key)
		}
	}
	return l
}

// disputed leaves a template alone that the plan lists for another source: a plan goes before a tag, and a template
// takes the images of one source.
func (t *Target) disputed(by listing) {
	other := cmp.Or(by.others[t.template.id], by.others[t.template.name])
	switch {
	case other == "" || t.Rolled.Problem != "":
	case by.key[t.template.id] != "" || by.key[t.template.name] != "":
		t.Rolled.Problem = fmt.Sprintf("the plan's roll.templates lists it for %s as well; have it list it for one source",
			other)
	default:
		t.Rolled.Problem = fmt.Sprintf("the plan's roll.templates lists it for %s, which goes before its tag %s",
			other, tag.Source)
	}
}
