package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
)

// Launchers are the groups, EC2 Fleets and Spot Fleets that launch.
type Launchers struct {
	groups, fleets []launcher
	// unread says what could not be read, and whose image is not known therefore.
	unread []string
}

// Launchers are some groups, and all fleets.
func (f Finder) Launchers(
	ctx context.Context, groups []scaling.AutoScalingGroup, api autoscaling.DescribeLaunchConfigurationsAPIClient,
) (Launchers, error) {
	var all Launchers
	for _, g := range groups {
		all.groups = append(all.groups, ways(g)...)
	}
	if err := all.configured(ctx, groups, api); err != nil {
		return Launchers{}, err
	}
	fleets, err := f.fleets(ctx)
	if err != nil {
		return Launchers{}, err
	}
	spot, err := f.spotFleets(ctx)
	all.fleets = slices.Concat(fleets, spot)
	return all, err
}

// configurationsACall is how many launch configurations are asked for by name at once: as many as a page may have (API
// reference, DescribeLaunchConfigurations, MaxRecords).
const configurationsACall = 100

// configured adds the groups that launch from launch configurations. Where those may not be read, that is told.
func (l *Launchers) configured(
	ctx context.Context, groups []scaling.AutoScalingGroup, api autoscaling.DescribeLaunchConfigurationsAPIClient,
) error {
	by := map[string][]string{}
	for _, g := range groups {
		if name := aws.ToString(g.LaunchConfigurationName); name != "" {
			by[name] = append(by[name], groupPrefix+aws.ToString(g.AutoScalingGroupName))
		}
	}
	for names := range slices.Chunk(slices.Sorted(maps.Keys(by)), configurationsACall) {
		pages := autoscaling.NewDescribeLaunchConfigurationsPaginator(api, &autoscaling.DescribeLaunchConfigurationsInput{
			LaunchConfigurationNames: names, MaxRecords: aws.Int32(configurationsACall),
		})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if err := passing(err); err != nil {
				return fmt.Errorf("looking at %d launch configurations: %w", len(names), err)
			}
			if err != nil {
				l.unread = append(l.unread, unread("launch configurations", err, slices.Concat(slices.Collect(maps.Values(by))...)))
				return nil
			}
			l.launching(out.LaunchConfigurations, by)
		}
	}
	return nil
}

// launching adds the groups that launch from some launch configurations.
func (l *Launchers) launching(some []scaling.LaunchConfiguration, by map[string][]string) {
	for _, c := range some {
		name := aws.ToString(c.LaunchConfigurationName)
		for _, group := range by[name] {
			l.groups = append(l.groups, launcher{name: group, group: true, image: aws.ToString(c.ImageId), configuration: name})
		}
	}
}

// unread says that something could not be read, and of whom it is not known therefore what they launch.
func unread(what string, err error, who []string) string {
	slices.Sort(who)
	return fmt.Sprintf("%s could not be read (%s): what is launched from there by %s is not known", what,
		strings.TrimSuffix(fault.Brief(err), "."), few(slices.Compact(who)))
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
// is led elsewhere launches none of the images but by a parameter of holds. unread says what could not be read.
func (f Finder) Still(
	ctx context.Context, by Launchers, images []string, holds map[string]string, led func(template string) bool,
) (from map[string][]string, unread []string, err error) {
	all := slices.Concat(by.groups, by.fleets)
	if !behind(images, holds) {
		all = slices.DeleteFunc(all, func(l launcher) bool { return l.image == "" && led(l.id) })
	}
	s := f.survey()
	templates, err := s.launched(ctx, all)
	if err != nil {
		return nil, by.unread, err
	}
	from = map[string][]string{}
	for _, l := range all {
		how, err := s.from(ctx, l, templates[l.named()], images, holds)
		if err != nil {
			return nil, by.unread, err
		}
		elsewhere := l.image != "" || strings.HasPrefix(how, parameterText) || !led(l.id)
		if how != "" && elsewhere {
			from[l.name] = add(from[l.name], how)
		}
	}
	return from, slices.Concat(by.unread, s.unreadable()), nil
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
	switch {
	case l.image != "" && !slices.Contains(images, l.image):
		return "", nil
	case l.configuration != "":
		return "launch configuration " + l.configuration, nil
	case l.image != "":
		return "an image that it names itself", nil
	}
	if t == nil {
		return "", nil
	}
	n, _ := t.number(l.version)
	image, how := t.image(n), fmt.Sprintf("version %s of launch template %s", l.version, cmp.Or(t.name, t.id))
	if name, of := strings.CutPrefix(image, aliasPrefix); of {
		value, err := s.value(ctx, name, holds, l)
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

// value is what a parameter has that a launcher takes its image from; empty for AWS's own, and for what cannot be read.
func (s *survey) value(ctx context.Context, name string, holds map[string]string, by launcher) (string, error) {
	if image, known := holds[name]; known || strings.HasPrefix(name, public) {
		return image, nil
	}
	t, err := s.aliasTarget(ctx, name)
	if err != nil {
		return "", err
	}
	if t.At.Image == "" && t.Rolled.Problem != "" {
		s.taking[name] = add(s.taking[name], by.name)
	}
	return t.At.Image, nil
}

// unreadable says which parameters could not be read, and who takes their image from them.
func (s *survey) unreadable() (said []string) {
	for _, name := range slices.Sorted(maps.Keys(s.taking)) {
		said = append(said,
			unread(parameterText+name, errors.New(strings.TrimPrefix(s.parameters[name].Rolled.Problem, "reading it: ")),
				s.taking[name]))
	}
	return said
}
