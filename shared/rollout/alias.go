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
// that always holds the newest image of a name. Under the path of aliases only the source's own is written, elsewhere
// only what belongs to the source or to none yet.
func (s *survey) aliases(
	ctx context.Context, image Image, title title, targets []*Target,
) ([]*Target, error) {
	a := aliasing{
		survey: s, image: image, keys: keys(image, title),
		through: map[string][]*template{}, own: map[string]string{}, takes: map[string]*ledger.Owner{},
	}
	for _, key := range a.keys {
		a.own[s.alias(key)] = key
	}
	if !title.Other {
		a.through[s.alias(image.Name)] = nil
	}
	a.by = maps.Clone(a.own)
	var kept []*Target
	for _, t := range targets {
		replaced, err := a.replaces(ctx, t)
		if err != nil {
			return nil, err
		}
		if !replaced {
			kept = append(kept, t)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.through)) {
		t, err := s.aliasTarget(ctx, name)
		if err != nil {
			return nil, err
		}
		if err := a.followers(ctx, name, t); err != nil {
			return nil, err
		}
		t.key, t.through, t.takes = a.by[name], a.through[name], a.takes[name]
		for _, each := range a.through[name] {
			each.holds = t.At.Image
			t.Rolled.Through = append(t.Rolled.Through, each.id)
		}
		kept = append(kept, t)
	}
	return kept, nil
}

// aliasing is which parameters stand for the templates that take an image from them.
type aliasing struct {
	*survey
	image Image
	keys  []string
	// through are the templates by parameter, own the source's own aliases, by the key that each parameter is recorded by.
	through map[string][]*template
	own, by map[string]string
	// takes are the parameters that the source takes with this roll.
	takes map[string]*ledger.Owner
}

// replaces reports whether a parameter stands for the template. One that is another's is the template's problem.
func (a *aliasing) replaces(ctx context.Context, t *Target) (bool, error) {
	if t.template == nil {
		return false, nil
	}
	name, alias := t.template.aliasOf()
	if !alias || t.Rolled.Problem != "" && !a.follows(name, t.template) {
		return false, nil
	}
	problem := a.foreign(name, a.own, t)
	if problem == "" && a.own[name] == "" {
		var err error
		if problem, err = a.another(ctx, name, t); err != nil {
			return false, err
		}
	}
	if problem != "" {
		t.Rolled.Problem = problem
		return false, nil
	}
	a.through[name] = append(a.through[name], t.template)
	if a.by[name] == "" {
		a.by[name] = t.key
	}
	return true, nil
}

// follows reports whether a template launches what the source's own alias holds, and nothing else: that is written
// anyway.
func (a *aliasing) follows(name string, t *template) bool {
	if a.own[name] == "" {
		return false
	}
	_, all := t.takes(aliasPrefix + name)
	return all || t.theirs
}

// aliasTarget is what a parameter holds, read once. One that does not exist yet holds nothing; an error that
// lasts is its problem.
func (s *survey) aliasTarget(ctx context.Context, name string) (*Target, error) {
	if t := s.parameters[name]; t != nil {
		return t, nil
	}
	t := &Target{Rolled: job.Rolled{Target: name, Parameter: true}}
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

// moved is what to know of an alias that takes the place of one that an earlier version wrote for the name; empty when
// it is none, or exists already.
func (s *survey) moved(t *Target, image Image) string {
	if t.Rolled.Target != s.alias(image.Name) || t.At.Version != 0 {
		return ""
	}
	for _, name := range []string{bentName(image.Name, shortHash), formerName(image.Name)} {
		former := strings.TrimSuffix(s.Path, "/") + "/" + name
		if t.Rolled.Target != former && len(s.known[image.Name][former].Points) > 0 {
			return fmt.Sprintf("it takes the place of %s, which other names share or could be made to: "+
				"what takes images from that is to take them from this one", former)
		}
	}
	return ""
}

// alias is where the newest image of a name lies in Parameter Store.
func (f Finder) alias(name string) string {
	return strings.TrimSuffix(f.Path, "/") + "/" + parameterName(name)
}

const (
	// longHash are the hexadecimal digits of a hash: no other name can be found with the same 128 bits.
	longHash = 32
	// shortHash are those that an earlier version wrote: a name with the same 40 bits takes some hours to find.
	shortHash = 10
)

// hashed is the form of the names that end in a hash, of either length. A name that has it by itself gets one as well,
// so that nothing can be called like another's alias.
var hashed = regexp.MustCompile(`-([0-9a-f]{10}|[0-9a-f]{32})$`)

// runs are what a parameter's name does not take: it is letters, digits and "._-" (API reference, PutParameter).
// A slash would open another level of the hierarchy.
var runs = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// parameterName is a source's name as Parameter Store takes it. What has to be bent for it ends in a hash of the
// name: "web 1" and "web/1" have aliases of their own.
func parameterName(name string) string {
	if name != "" && !runs.MatchString(name) && !hashed.MatchString(name) {
		return name
	}
	return bentName(name, longHash)
}

// bentName is what Parameter Store takes of a name, and so many digits of its hash.
func bentName(name string, digits int) string {
	bent := strings.Trim(runs.ReplaceAllString(name, "-"), "-")
	if bent == "" {
		bent = "name"
	}
	sum := sha256.Sum256([]byte(name))
	return bent + "-" + hex.EncodeToString(sum[:])[:digits]
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
