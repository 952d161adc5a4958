package prove

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
	"goldsmith/shared/standby"
)

// probes are all, in the order in which they are tried: what needs nothing first, and the image deregistered last.
var probes = []probe{
	{key: "group-not-found", try: groupNotFound},
	{key: "group-names", try: groupNames},
	{key: "parameter-tier", extra: advanced, try: parameterTier},
	{key: "default-and-latest", needs: []need{versions}, try: defaultAndLatest},
	{key: "literal-filters", needs: []need{versions}, try: literalFilters},
	{key: "empty-ebs-mapping", needs: []need{versions}, try: emptyMapping},
	{key: "version-range", needs: []need{versions}, try: versionRange},
	{key: "latest-deleted", needs: []need{versions}, try: latestDeleted},
	{key: "group-uuid", needs: []need{versions}, try: groupUUID},
	{key: "skip-matching", needs: []need{moving}, try: skipMatching},
	{key: "desired-by-id", needs: []need{moving}, try: desiredByID},
	{key: "refresh-of-none", needs: []need{moving}, try: refreshOfNone},
	{key: "refreshes-newest", needs: []need{moving}, try: refreshesNewest},
	{key: "vcpu-quota", needs: []need{running}, try: vcpuQuota},
	{key: "ebs-managed-key", needs: []need{running}, try: managedKey},
	{key: "standby-words", needs: []need{running, emptied}, try: standbyWords},
	{key: "command-of-unregistered", needs: []need{running}, try: commandOfUnregistered},
	{key: "empty-tags", needs: []need{running}, try: emptyTags},
	{key: "stop-protection", needs: []need{running}, try: stopProtection},
	{key: "dry-run-order", needs: []need{running}, try: dryRunOrder},
	{key: "stop-reason", needs: []need{stopped}, try: stopReason},
	{key: "stop-again", needs: []need{stopped}, try: stopAgain},
	{key: "snapshot-tags", needs: []need{stopped}, extra: images, try: snapshotTags},
	{key: "left-out", needs: []need{pictured}, try: leftOut},
	{key: "snapshot-times", needs: []need{pictured}, try: snapshotTimes},
	{key: "sharee-refused", needs: []need{pictured}, try: shareeRefused},
	{key: "parameter-check", needs: []need{pictured}, try: parameterCheck},
	{key: "parameter-version-refused", needs: []need{pictured}, try: parameterVersionRefused},
	{key: "empty-path", needs: []need{pictured}, try: emptyPath},
	{key: "image-references", needs: []need{pictured, versions}, try: imageReferences},
	{key: "unprotected", needs: []need{pictured}, try: unprotected},
	{key: "direct-refusals", needs: []need{pictured, stopped}, extra: images, try: directRefusals},
	{key: "left-out-absent", needs: []need{pictured, stopped}, extra: images, try: leftOutAbsent},
	{key: "mapping-of-one-word", needs: []need{pictured}, extra: test, try: oneWordMapping},
	{key: "gone-image-words", needs: []need{undone}, try: goneImageWords},
	{key: "gone-image-attribute", needs: []need{undone}, try: goneImageAttribute},
	{key: "recycle-bin", needs: []need{undone}, try: recycleBin},
}

func groupNotFound(ctx context.Context, l *lab) (string, error) {
	_, err := l.groups.DescribeInstanceRefreshes(ctx,
		&autoscaling.DescribeInstanceRefreshesInput{AutoScalingGroupName: aws.String(l.name("none"))})
	return refusal(err, fault.IsNoGroup)
}

// refusal is what AWS does instead of refusing in the way that is known.
func refusal(err error, known func(error) bool) (string, error) {
	switch {
	case err == nil:
		return "it was not refused", nil
	case known(err):
		return "", nil
	default:
		return "", err
	}
}

// namesMost is one more than the largest page holds.
const namesMost = 101

func groupNames(ctx context.Context, l *lab) (string, error) {
	var names []string
	for n := range namesMost {
		names = append(names, l.name(strconv.Itoa(n)))
	}
	_, err := l.groups.DescribeAutoScalingGroups(ctx,
		&autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: names})
	return refusal(err, func(err error) bool { return fault.Code(err) == "ValidationError" })
}

// groupUUID compares a group's lineage with that of the next one of its name.
func groupUUID(ctx context.Context, l *lab) (string, error) {
	name := l.name("again")
	var lineages []string
	for range 2 {
		if err := l.group(ctx, "again"); err != nil {
			return "", err
		}
		g, ok, err := l.groupNamed(ctx, name)
		if err != nil || !ok {
			return "a group that was made is not shown", err
		}
		lineages = append(lineages, lineage.OfGroup(g))
		if err := l.dissolve(ctx, name); err != nil {
			return "", err
		}
	}
	if lineages[0] == lineages[1] {
		return "both groups are " + lineages[0], nil
	}
	return "", nil
}

// standbyWords brings the instance back into groups that it is in none of, as the sweep does.
func standbyWords(ctx context.Context, l *lab) (string, error) {
	for _, name := range []string{l.name("none"), l.name("group")} {
		c := ledger.ClaimOf(l.job, l.now())
		c.Standby = &ledger.Standby{Group: name, Exited: l.now()}
		c, outcome, err := standby.Service{Groups: l.groups, Claims: l.ledger, Now: l.now}.Back(ctx, c,
			types.InstanceStateNameRunning)
		if err != nil || outcome != standby.Lost {
			return "of group " + name + ": " + c.Standby.Problem, err
		}
	}
	return "", nil
}

func vcpuQuota(ctx context.Context, l *lab) (string, error) {
	i, err := l.look(ctx)
	if err != nil {
		return "", err
	}
	found, err := source.VCPUs(ctx, l.ec2, l.quotas, plan.Default(), []types.Instance{i})
	if err != nil {
		return "", err
	}
	for _, q := range found {
		if q.Over == "" {
			c, _ := l.calls.last("GetServiceQuota")
			return "the value of quota " + q.Code + " was not seen: " + c.Message, nil
		}
	}
	return "", nil
}

func managedKey(ctx context.Context, l *lab) (string, error) {
	i, err := l.look(ctx)
	if err != nil {
		return "", err
	}
	facts, err := source.WithKeys(ctx, l.ec2, (source.Facts{Plan: plan.Default()}).Of(i))
	if err != nil {
		return "", err
	}
	if len(facts.Keys) == 0 {
		return "", untriable{fmt.Errorf("no volume of the instance is encrypted")}
	}
	refused, unseen, err := source.Locked(ctx, source.Keys{KMS: l.keys}, []source.Facts{facts})
	if err != nil {
		return "", err
	}
	for _, why := range refused {
		return why.Text, nil
	}
	if len(unseen) > 0 {
		c, _ := l.calls.last("DescribeKey")
		return "it could not be looked at: " + c.Message, nil
	}
	return "", nil
}
