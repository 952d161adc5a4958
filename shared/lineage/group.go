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
	there, err := f.named(ctx, names)
	if err != nil {
		handler.Log(ctx).WarnContext(ctx, "it cannot be found out which groups these are", "of", names, "error", err)
		return identified
	}
	for i, each := range all {
		if !each.old() {
			continue
		}
		g, ok := there[each.Lineage]
		if ok && g.CreatedTime != nil && !g.CreatedTime.After(each.At) {
			identified[i] = OfGroup(g)
		} else {
			identified[i] = each.Lineage + identity + earlier
		}
	}
	return identified
}

// groups are those of the lineages that Auto Scaling shows. One that is known by its name alone lives as long as any
// group has the name.
func (f Finder) groups(ctx context.Context, lineages []string) (found []string, err error) {
	there, err := f.named(ctx, lineages)
	if err != nil {
		return nil, err
	}
	for _, each := range lineages {
		if g, ok := there[Key(each)]; ok && (named(each) || each == OfGroup(g)) {
			found = append(found, each)
		}
	}
	return found, nil
}

// named are the groups that have the lineages' names now, by what people name them by.
func (f Finder) named(ctx context.Context, lineages []string) (map[string]types.AutoScalingGroup, error) {
	var names []string
	for _, each := range lineages {
		name, _ := Group(each)
		names = append(names, name)
	}
	return groupsNamed(ctx, f.Groups, names)
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
