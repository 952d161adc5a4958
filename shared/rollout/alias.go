package rollout

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// aliases puts in the place of templates that take their image from a parameter that parameter, and adds the alias
// that always holds the newest image of a name. Under the path of aliases only the source's own is written.
func (s *survey) aliases(ctx context.Context, image Image, title Title, targets []*Target) ([]*Target, error) {
	through, own := map[string][]*template{}, map[string]string{}
	for _, key := range keys(image, title) {
		own[s.alias(key)] = key
	}
	if !title.Other {
		through[s.alias(image.Name)] = nil
	}
	by := maps.Clone(own)
	targets = slices.DeleteFunc(targets, func(t *Target) bool {
		if t.template == nil || t.Rolled.Problem != "" {
			return false
		}
		name, alias := t.template.aliasOf()
		if !alias {
			return false
		}
		if problem := s.foreign(name, own, t); problem != "" {
			t.Rolled.Problem = problem
			return false
		}
		through[name] = append(through[name], t.template)
		if by[name] == "" {
			by[name] = t.key
		}
		return true
	})
	for _, name := range slices.Sorted(maps.Keys(through)) {
		t, err := s.aliasTarget(ctx, name)
		if err != nil {
			return nil, err
		}
		t.key, t.through = by[name], through[name]
		for _, each := range through[name] {
			t.Rolled.Through = append(t.Rolled.Through, each.id)
		}
		targets = append(targets, t)
	}
	return targets, nil
}

// aliasTarget is what a parameter holds, read once. One that does not exist yet holds nothing; an error that
// lasts is its problem.
func (s *survey) aliasTarget(ctx context.Context, name string) (*Target, error) {
	if t := s.parameters[name]; t != nil {
		return t, nil
	}
	t := &Target{Rolled: job.Rolled{Target: name}}
	if err := t.fail(orNew(s.parameter(ctx, t, name))); err != nil {
		return nil, err
	}
	s.parameters[name] = t
	return t, nil
}

// foreign is why a parameter is not written for a template's sake: it lies among the aliases, and is another's.
func (s *survey) foreign(name string, own map[string]string, t *Target) string {
	if own[name] != "" || !strings.HasPrefix(name, strings.TrimSuffix(s.Path, "/")+"/") {
		return ""
	}
	return fmt.Sprintf("it takes its image from %s, which is not the alias of %s; have it take its image from %s",
		name, t.key, s.alias(t.key))
}

// moved is what to know of an alias that takes the place of one that several names shared; empty when it is none,
// or exists already.
func (s *survey) moved(t *Target, image Image, known map[string]ledger.TargetRecord) string {
	former := strings.TrimSuffix(s.Path, "/") + "/" + formerName(image.Name)
	made := t.Rolled.Target == s.alias(image.Name) && t.At.Version == 0
	if !made || t.Rolled.Target == former || len(known[former].Points) == 0 {
		return ""
	}
	return fmt.Sprintf("it takes the place of %s, which other names share: "+
		"what takes images from that is to take them from this one", former)
}

// alias is where the newest image of a name lies in Parameter Store.
func (f Finder) alias(name string) string {
	return strings.TrimSuffix(f.Path, "/") + "/" + parameterName(name)
}

// hashed is the form of the names that end in a hash. A name that has it by itself gets one as well, so that
// nothing can be called like another's alias.
var hashed = regexp.MustCompile(`-[0-9a-f]{10}$`)

// runs are what a parameter's name does not take: it is letters, digits and "._-" (API reference, PutParameter).
// A slash would open another level of the hierarchy.
var runs = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// parameterName is a source's name as Parameter Store takes it. What has to be bent for it ends in a short hash of the
// name: "web 1" and "web/1" have aliases of their own.
func parameterName(name string) string {
	if name != "" && !runs.MatchString(name) && !hashed.MatchString(name) {
		return name
	}
	bent := strings.Trim(runs.ReplaceAllString(name, "-"), "-")
	if bent == "" {
		bent = "name"
	}
	sum := sha256.Sum256([]byte(name))
	return bent + "-" + hex.EncodeToString(sum[:])[:10]
}

// formerName is what an earlier version made of a name: several names had one alias.
func formerName(name string) string {
	return strings.Map(func(r rune) rune {
		if runs.MatchString(string(r)) {
			return '-'
		}
		return r
	}, name)
}
