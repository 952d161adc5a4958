package lineage

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/shared/asg"
	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
)

const (
	groupPrefix = "group/"
	// identity stands between a group's name and its UUID: a name has no colon (API reference, CreateAutoScalingGroup).
	identity = ":"
	// earlier stands in the place of the UUID of a group that had the name before the one that has it now.
	earlier = "earlier"
)

// OfGroup is the lineage of the members of an Auto Scaling group: its name, and the UUID that its ARN has, since one
// that is made again under the name is another group. It is empty where the ARN has none.
func OfGroup(g types.AutoScalingGroup) string {
	// arn:aws:autoscaling:REGION:ACCOUNT:autoScalingGroup:UUID:autoScalingGroupName/NAME
	parts := strings.Split(aws.ToString(g.AutoScalingGroupARN), ":")
	if len(parts) < 7 || parts[6] == "" {
		return ""
	}
	return groupPrefix + aws.ToString(g.AutoScalingGroupName) + identity + parts[6]
}

// Group is the name of the Auto Scaling group that a lineage is; ok is false when it is something else.
func Group(lineage string) (name string, ok bool) {
	name, ok = strings.CutPrefix(lineage, groupPrefix)
	name, _, _ = strings.Cut(name, identity)
	return name, ok
}

// Key is what people name a lineage by: an id, or "group/" and the name of an Auto Scaling group.
func Key(lineage string) string {
	if name, ok := Group(lineage); ok {
		return groupPrefix + name
	}
	return lineage
}

// named reports whether a lineage is a group's name alone, as earlier versions wrote it down.
func named(lineage string) bool {
	_, ok := Group(lineage)
	return ok && Key(lineage) == lineage
}

// Dated is a lineage, and a moment at which something was of it.
type Dated struct {
	Lineage string
	At      time.Time
}

func (d Dated) old() bool { return named(d.Lineage) && !d.At.IsZero() }

// Identify are the lineages, in their order. A group that an earlier version wrote down by its name alone is the one
// that has the name now if that was there at the moment, else one that has ended. What cannot be found out stays as it
// is.
func (f Finder) Identify(ctx context.Context, all ...Dated) []string {
	identified := make([]string, len(all))
	var names []string
	for i, each := range all {
		if identified[i] = each.Lineage; each.old() {
			names = append(names, each.Lineage)
		}
	}
	seen, err := f.see(ctx, names)
	if err != nil {
		handler.Log(ctx).WarnContext(ctx, "groups not looked up", "groups", names, "error", err)
		return identified
	}
	for i, each := range all {
		if each.old() {
			identified[i] = seen.identify(each)
		}
	}
	return identified
}

// sight is what Auto Scaling says of groups, by what people name them by: those that there are, and those that it says
// are not. A name may be in neither.
type sight struct {
	there map[string]types.AutoScalingGroup
	gone  map[string]bool
}

// identify is a lineage of before as it is named now.
func (s sight) identify(d Dated) string {
	g, ok := s.there[d.Lineage]
	switch {
	case ok && (g.CreatedTime == nil || OfGroup(g) == ""), !ok && !s.gone[d.Lineage]:
		return d.Lineage
	case ok && !g.CreatedTime.After(d.At):
		return OfGroup(g)
	default:
		return d.Lineage + identity + earlier
	}
}

// ended reports whether a lineage is certainly of no group that there is.
func (s sight) ended(lineage string) bool {
	if strings.HasSuffix(lineage, identity+earlier) {
		return true
	}
	g, ok := s.there[Key(lineage)]
	if !ok {
		return s.gone[Key(lineage)]
	}
	return !named(lineage) && OfGroup(g) != "" && OfGroup(g) != lineage
}

// groups are those of the lineages that have not ended. One that is known by its name alone lives as long as any group
// has the name.
func (f Finder) groups(ctx context.Context, lineages []string) (found []string, err error) {
	seen, err := f.see(ctx, lineages)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(lineages), seen.ended), nil
}

// see asks which groups have the lineages' names now. An answer that leaves a group out proves nothing, as an empty
// one does: asked for the instance refreshes of a group, Auto Scaling says if there is none of that name.
func (f Finder) see(ctx context.Context, lineages []string) (sight, error) {
	var names []string
	for _, each := range lineages {
		name, _ := Group(each)
		names = append(names, name)
	}
	there, err := groupsNamed(ctx, f.Groups, names)
	seen := sight{there: there, gone: map[string]bool{}}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		if _, ok := there[groupPrefix+name]; err == nil && !ok {
			seen.gone[groupPrefix+name] = f.gone(ctx, name)
		}
	}
	return seen, err
}

// gone reports whether Auto Scaling says that there is no group of that name.
func (f Finder) gone(ctx context.Context, name string) bool {
	_, err := f.Groups.DescribeInstanceRefreshes(ctx, &autoscaling.DescribeInstanceRefreshesInput{
		AutoScalingGroupName: aws.String(name), MaxRecords: aws.Int32(1),
	})
	if err != nil && !fault.IsNoGroup(err) {
		handler.Log(ctx).WarnContext(ctx, "group not looked up", "group", name, "error", err)
	}
	return fault.IsNoGroup(err)
}

// groupsNamed are the groups of these names that there are, by what people name them by.
func groupsNamed(
	ctx context.Context, api autoscaling.DescribeAutoScalingGroupsAPIClient, names []string,
) (map[string]types.AutoScalingGroup, error) {
	there := map[string]types.AutoScalingGroup{}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	for some := range slices.Chunk(names, atOnce) {
		found, err := asg.List(ctx, api, false, some...)
		if err != nil {
			return nil, err
		}
		for _, g := range found {
			there[groupPrefix+aws.ToString(g.AutoScalingGroupName)] = g
		}
	}
	return there, nil
}
