package rollout

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
)

// Launchers are the groups, EC2 Fleets and Spot Fleets that launch.
type Launchers struct{ groups, fleets []launcher }

// Launchers are some groups, and all fleets.
func (f Finder) Launchers(ctx context.Context, groups []scaling.AutoScalingGroup) (Launchers, error) {
	var all Launchers
	for _, g := range groups {
		all.groups = append(all.groups, ways(g)...)
	}
	fleets, err := f.fleets(ctx)
	if err != nil {
		return Launchers{}, err
	}
	spot, err := f.spotFleets(ctx)
	all.fleets = slices.Concat(fleets, spot)
	return all, err
}

// FleetsUse reports whether a fleet launches from a template.
func (l Launchers) FleetsUse(id, name string) bool {
	of := &template{id: id, name: name}
	return slices.ContainsFunc(l.fleets, func(l launcher) bool { return l.of(of) })
}

// Fleets names the fleets that launch from a template by a version that matches.
func (l Launchers) Fleets(id, name string, matches func(version string) bool) []string {
	var said []string
	of := &template{id: id, name: name}
	for _, l := range l.fleets {
		text := fmt.Sprintf("%s launches version %s", l.name, l.version)
		if l.image == "" && l.of(of) && matches(l.version) && !slices.Contains(said, text) {
			said = append(said, text)
		}
	}
	return said
}

// Still says from what each launches one of some images: an image of its own, or a version of a template that has it or
// takes it from a parameter. holds is what parameters have, by name; others are read where they may be. A template that
// is led elsewhere launches none of the images but by a parameter of holds.
func (f Finder) Still(
	ctx context.Context, by Launchers, images []string, holds map[string]string, led func(template string) bool,
) (map[string][]string, error) {
	all := slices.Concat(by.groups, by.fleets)
	if !behind(images, holds) {
		all = slices.DeleteFunc(all, func(l launcher) bool { return l.image == "" && led(l.id) })
	}
	s := f.survey()
	templates, err := s.launched(ctx, all)
	if err != nil {
		return nil, err
	}
	from := map[string][]string{}
	for _, l := range all {
		how, err := s.from(ctx, l, templates[l.named()], images, holds)
		if err != nil {
			return nil, err
		}
		elsewhere := l.image != "" || strings.HasPrefix(how, parameterText) || !led(l.id)
		if how != "" && elsewhere {
			from[l.name] = add(from[l.name], how)
		}
	}
	return from, nil
}

// behind reports whether a parameter has one of some images.
func behind(images []string, holds map[string]string) bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(holds)),
		func(image string) bool { return slices.Contains(images, image) })
}

func add(all []string, text string) []string {
	if slices.Contains(all, text) {
		return all
	}
	return append(all, text)
}

// named is how a launcher names its template: by id, or by name.
func (l launcher) named() [2]string { return [2]string{l.id, l.title} }

// launched are the templates of launchers, as those name them, with the versions that they launch. One that is gone is
// left out.
func (s *survey) launched(ctx context.Context, all []launcher) (map[[2]string]*template, error) {
	var names [][2]string
	for _, l := range all {
		if l.image == "" && !slices.Contains(names, l.named()) {
			names = append(names, l.named())
		}
	}
	if err := s.readAll(ctx, len(names) >= many, false); err != nil {
		return nil, err
	}
	templates := map[[2]string]*template{}
	for _, name := range names {
		if Late(ctx) {
			return nil, fmt.Errorf("there was no time for %d of %d launch templates", len(names)-len(templates), len(names))
		}
		t, err := s.named(ctx, job.Rolled{Target: name[0], Name: name[1]})
		if err == nil {
			err = s.readVersions(ctx, t, t.missing(all))
		}
		if fault.IgnoreNotFound(err) != nil {
			return nil, err
		}
		templates[name] = t
	}
	return templates, nil
}

// parameterText begins what says that a launcher takes its image from a parameter.
const parameterText = "parameter "

// from says from what a launcher launches one of some images; empty where it launches another.
func (s *survey) from(
	ctx context.Context, l launcher, t *template, images []string, holds map[string]string,
) (string, error) {
	if l.image != "" {
		return map[bool]string{true: "an image that it names itself"}[slices.Contains(images, l.image)], nil
	}
	if t == nil {
		return "", nil
	}
	n, _ := t.number(l.version)
	image, how := t.image(n), fmt.Sprintf("version %s of launch template %s", l.version, cmp.Or(t.name, t.id))
	if name, of := strings.CutPrefix(image, aliasPrefix); of {
		value, err := s.value(ctx, name, holds)
		if err != nil {
			return "", err
		}
		image, how = value, parameterText+name+", by "+how
	}
	if slices.Contains(images, image) {
		return how, nil
	}
	return "", nil
}

// public begins the names of AWS's own parameters.
const public = "/aws/"

// value is what a parameter has; empty for what cannot be read, and for AWS's own.
func (s *survey) value(ctx context.Context, name string, holds map[string]string) (string, error) {
	if image, known := holds[name]; known || strings.HasPrefix(name, public) {
		return image, nil
	}
	t, err := s.aliasTarget(ctx, name)
	if err != nil {
		return "", err
	}
	return t.At.Image, nil
}
