package asg

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
)

// Images are what versions of templates launch, as the template says it: an
// image's id, or resolve:ssm: and a parameter's name.
type Images map[Spec]string

// aliasPrefix starts the ImageId of a template that takes its image from Parameter Store.
const aliasPrefix = "resolve:ssm:"

// Do is what may be done about a group.
type Do int

const (
	// Nothing is to be done; Decision.Why says why not.
	Nothing Do = iota
	// Settled means that there is nothing to do: the group names Decision.Desired itself.
	Settled
	// Plain is a refresh that launches what the group names anyway.
	Plain
	// Desired is a refresh to Decision.Desired, which becomes the group's own when it succeeds.
	Desired
	// Left means that another AWS service owns the group, and the plan does not list it.
	Left
)

// Decision is what may be done about a group, and why not more.
type Decision struct {
	Do Do
	// Desired is the group's own configuration with new version numbers.
	Desired *types.DesiredConfiguration
	// AutoRollback is whether Auto Scaling may be asked to take a refresh that fails back.
	AutoRollback bool
	// SkipMatching is whether it may be asked to leave members alone that run on the new version already.
	SkipMatching bool
	// From and To are what the group launches from: "web 7", "web 8".
	From, To string
	// Why is a sentence about what is not done.
	Why string
}

// Decide says what may be done so that the group launches what was rolled.
// images must hold every spec of the group.
func Decide(g types.AutoScalingGroup, rolled Rolled, images Images) Decision {
	d := Decision{SkipMatching: comparable(g, images)}
	var uses, shadowed []launch
	for _, l := range launches(g) {
		switch {
		case !rolled.has(l.Spec):
		case l.image != "":
			shadowed = append(shadowed, l)
		default:
			uses = append(uses, l)
		}
	}
	d.From, d.To = rolled.way(append(slices.Clone(uses), shadowed...))
	if why := stuck(g, rolled, images, uses); why != "" {
		d.Why = why
		return d
	}
	d.Why = shadowing(shadowed)
	behind := slices.ContainsFunc(uses, func(l launch) bool { return rolled.behind(l.Spec) })
	switch {
	case behind && !d.SkipMatching:
		d.Why = fmt.Sprintf("It names version %s, and Auto Scaling moves no group to another one by a refresh whose %s. "+
			"Let it name $Default, or update it.", pins(g, rolled), obstacle(g))
		return d
	case behind:
		d.Do, d.Desired, d.AutoRollback = Desired, desired(g, rolled), numbered(g)
	case slices.ContainsFunc(uses, func(l launch) bool { return rolled.follows(l.Spec) }):
		d.Do = Plain
	default:
		d.Do, d.Desired = Settled, desired(g, rolled)
		return d
	}
	if !d.AutoRollback {
		d.Why = join(d.Why, "It can't be rolled back by itself: "+irreversible(g, d.SkipMatching)+".")
	}
	return d
}

// stuck says why nothing can be done at all.
func stuck(g types.AutoScalingGroup, rolled Rolled, images Images, uses []launch) string {
	switch {
	case g.Status != nil:
		return "It is being deleted."
	case len(uses) == 0:
		return "Its overrides name images of their own, which come before the template's: change those, or take them out."
	}
	for _, p := range g.SuspendedProcesses {
		if name := aws.ToString(p.ProcessName); slices.Contains(needed, name) {
			return "Its process " + name + " is suspended, without which a refresh gets nowhere: resume it."
		}
	}
	for _, l := range uses {
		if image := images[l.Spec]; !rolled.behind(l.Spec) && !rolled.launched(l.Spec, image) {
			return fmt.Sprintf("It launches from %s, which has image %s and not the new one.", l.Spec, image)
		}
	}
	return ""
}

// needed are the processes that a refresh cannot do without (user guide, as-suspend-resume-processes).
var needed = []string{"Launch", "Terminate", "InstanceRefresh"}

// launched reports whether an image that a template names is the one that was rolled.
func (r Rolled) launched(s Spec, image string) bool {
	if r[s.Template].Version == 0 {
		return strings.HasPrefix(image, aliasPrefix)
	}
	return image == r[s.Template].Image || slices.Contains(r[s.Template].Also, image)
}

// follows reports whether a spec has the new image without being changed.
func (r Rolled) follows(s Spec) bool { return r[s.Template].Version == 0 || !s.numbered() }

// way is what the group launches from now and will launch from, in few words.
func (r Rolled) way(uses []launch) (from, to string) {
	var before, after []string
	for _, l := range uses {
		next := l.Spec
		if r.behind(l.Spec) {
			next.Version = strconv.FormatInt(r[l.Template].Version, 10)
		}
		if !slices.Contains(before, l.String()) {
			before, after = append(before, l.String()), append(after, next.String())
		}
	}
	return strings.Join(before, ", "), strings.Join(slices.Compact(after), ", ")
}

// comparable reports whether a refresh may be given a desired configuration, or
// asked to skip what matches: Auto Scaling refuses both where it cannot tell
// members apart by their template (user guide, using-systems-manager-parameters
// and instance-refresh-overview).
func comparable(g types.AutoScalingGroup, images Images) bool {
	return !attributes(g) && !slices.ContainsFunc(Specs(g),
		func(s Spec) bool { return strings.HasPrefix(images[s], aliasPrefix) })
}

func obstacle(g types.AutoScalingGroup) string {
	if attributes(g) {
		return "instances are chosen by attributes"
	}
	return "template takes its image from a parameter"
}

func pins(g types.AutoScalingGroup, rolled Rolled) string {
	var all []string
	for _, s := range Pinned(g, rolled) {
		all = append(all, s.Version+" of "+s.Name)
	}
	return strings.Join(all, " and ")
}

// numbered reports whether every version is a number, without which there is no
// rollback (user guide, instance-refresh-rollback).
func numbered(g types.AutoScalingGroup) bool {
	return !slices.ContainsFunc(Specs(g), func(s Spec) bool { return !s.numbered() })
}

func irreversible(g types.AutoScalingGroup, comparable bool) string {
	for _, s := range Specs(g) {
		if !s.numbered() {
			return "it names " + s.Version + " of " + s.Name + " and no version's number"
		}
	}
	if !comparable {
		return "its " + obstacle(g)
	}
	return "it is not moved to another version"
}

func shadowing(shadowed []launch) string {
	if len(shadowed) == 0 {
		return ""
	}
	var of []string
	for _, l := range shadowed {
		of = append(of, fmt.Sprintf("%s (%s)", l.of, l.image))
	}
	return "Overrides with an image of their own go on launching that: " + strings.Join(of, ", ") + "."
}

func join(sentences ...string) string {
	return strings.Join(slices.DeleteFunc(sentences, func(s string) bool { return s == "" }), " ")
}
