package rollback

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/asg"
	"goldsmith/shared/fault"
	"goldsmith/shared/ledger"
	"goldsmith/shared/rollout"
	"goldsmith/shared/standby"
)

// groupsAPI are Auto Scaling groups and their instance refreshes.
type groupsAPI interface {
	autoscaling.DescribeAutoScalingGroupsAPIClient
	autoscaling.DescribeInstanceRefreshesAPIClient
	autoscaling.DescribeLaunchConfigurationsAPIClient
	RollbackInstanceRefresh(context.Context, *autoscaling.RollbackInstanceRefreshInput,
		...func(*autoscaling.Options)) (*autoscaling.RollbackInstanceRefreshOutput, error)
	StartInstanceRefresh(context.Context, *autoscaling.StartInstanceRefreshInput,
		...func(*autoscaling.Options)) (*autoscaling.StartInstanceRefreshOutput, error)
}

// membersAPI tells which instances run an image, what versions of templates launch, and which fleets launch from them.
type membersAPI interface {
	ec2.DescribeInstancesAPIClient
	rollout.Reader
}

// Fleet puts groups back: by Auto Scaling's own rollback of an instance refresh that is under way, and
// by a new one, where that is asked for.
type Fleet struct {
	Groups     groupsAPI
	Members    membersAPI
	Parameters rollout.Parameters
	// Ledger tells which members are out of service for an image.
	Ledger standby.Slots
}

// Undo is a template or alias that has gone back.
type Undo struct {
	// Target is a launch template's id or a parameter's name, Name the source's.
	Target, Name string
	// Title is the template's name.
	Title string
	// Parameter is whether it is a parameter.
	Parameter bool
	// Images are those that are undone, Image what it has instead and Version the version that has it.
	Images  []string
	Image   string
	Version int64
	// Was is what launched from a template before the roll that is undone; nil where that is not known.
	Was *ledger.Was
	// Refresh is whether groups are refreshed.
	Refresh bool
	// Failed is whether the template could not be led back: what launches the image is named all the same.
	Failed bool
	// Record is what the ledger has of it.
	Record ledger.TargetRecord
	// Since is when it had gone back.
	Since time.Time
}

// Undone is what became of groups: those whose refresh is rolled back, those that are refreshed,
// a sentence for each group or fleet that does not go back, and the names of all groups that were looked at.
type Undone struct{ Groups, Refreshed, Left, Seen []string }

// leave adds a sentence; none where there is nothing to say.
func (u *Undone) leave(said string) {
	if said != "" {
		u.Left = append(u.Left, said)
	}
}

// The codes of what cannot be rolled back (API reference, RollbackInstanceRefresh).
const (
	irreversible = "IrreversibleInstanceRefresh"
	noneActive   = "ActiveInstanceRefreshNotFound"
)

// Round is what is done about groups in one call of the function: what all templates ask for is read once.
type Round struct {
	Fleet
	groups []types.AutoScalingGroup
	// launch are groups and fleets as they launch.
	launch *rollout.Launchers
	runs   map[string]map[string][]string
	// undos are all that are undone in this call, begun the groups whose refresh it has begun.
	undos []Undo
	begun map[string]bool
	// waits are the aliases that do not read yet as they were written, while groups are to be refreshed.
	waits []string
}

// Round begins a round.
func (f Fleet) Round() *Round {
	return &Round{Fleet: f, runs: map[string]map[string][]string{}, begun: map[string]bool{}}
}

// RollBack rolls back the refreshes under way that deploy what is undone, and names or refreshes the groups that
// launch it or run it. A group that cannot go back is told, and the others go on.
func (f *Round) RollBack(ctx context.Context, u Undo) (Undone, error) {
	var done Undone
	if err := f.read(ctx); err != nil {
		return done, fmt.Errorf("looking for what uses %s: %w", u.Target, err)
	}
	own := asg.Rolled{u.Target: {}}
	if !u.Parameter && len(asg.Using(f.groups, own)) == 0 && !f.launch.FleetsUse(u.Target, u.Title) {
		return done, nil
	}
	at, err := f.versions(ctx, u, f.groups)
	if err != nil {
		return done, err
	}
	if !u.Parameter {
		done.Left = f.launch.Fleets(u.Target, u.Title, at.launches)
	}
	running, err := f.running(ctx, u.Images)
	if err != nil {
		return done, err
	}
	for _, g := range asg.Using(f.groups, at.templates) {
		f.put(ctx, g, u, at, running[groupPrefix+aws.ToString(g.AutoScalingGroupName)], &done)
	}
	return done, nil
}

// put puts one group back, or names it.
func (f *Round) put(
	ctx context.Context, g types.AutoScalingGroup, u Undo, at found, running []string, done *Undone,
) {
	name := aws.ToString(g.AutoScalingGroupName)
	done.Seen = append(done.Seen, name)
	if f.begun[name] {
		done.Refreshed = append(done.Refreshed, name)
		return
	}
	is := f.one(ctx, g, u, at.bad)
	switch {
	case is.back:
		done.Groups = append(done.Groups, name)
		done.leave(ignores(g, is.by, running))
	case is.left != "":
		done.Left = append(done.Left, "group "+name+" "+is.left)
	default:
		f.still(ctx, g, u, at, running, is, done)
	}
}

// course is what goes on in a group.
type course struct {
	// back is whether its refresh is rolled back, left why that is not to be.
	back bool
	left string
	// leads is whether a refresh that goes on leaves no member on what is undone.
	leads bool
	// like is what the refresh that brought what is undone did about members that are protected or in Standby.
	like types.RefreshPreferences
	// by is what the refresh that goes on does about them.
	by types.RefreshPreferences
}

// read reads groups and fleets, once.
func (f *Round) read(ctx context.Context) error {
	if f.launch != nil {
		return nil
	}
	groups, err := asg.List(ctx, f.Groups, true)
	if err != nil {
		return err
	}
	launch, err := rollout.Finder{EC2: f.Members}.Launchers(ctx, groups, f.Groups)
	if err != nil {
		return err
	}
	f.groups, f.launch = groups, &launch
	return nil
}

// one rolls back what goes on in a group, and says whether it goes back or why it does not.
func (f *Round) one(ctx context.Context, g types.AutoScalingGroup, u Undo, versions []string) course {
	// A group has one refresh at a time, and Auto Scaling gives the newest first.
	out, err := f.Groups.DescribeInstanceRefreshes(ctx,
		&autoscaling.DescribeInstanceRefreshesInput{AutoScalingGroupName: g.AutoScalingGroupName})
	if err != nil {
		return course{left: "may be refreshed still: " + fault.Brief(err)}
	}
	var is course
	for _, r := range out.InstanceRefreshes {
		brought := r.DesiredConfiguration == nil || deploys(r.DesiredConfiguration, u.Target, versions)
		if brought && !u.after(r) && r.Preferences != nil {
			is.like = *r.Preferences
			break
		}
	}
	i := slices.IndexFunc(out.InstanceRefreshes,
		func(r types.InstanceRefresh) bool { return asg.ProgressOf(r.Status) == asg.Going })
	if i >= 0 {
		f.going(ctx, g, u, versions, out.InstanceRefreshes[i], &is)
	}
	return is
}

// going rolls back a refresh that goes on, if that deploys what is undone.
func (f *Round) going(
	ctx context.Context, g types.AutoScalingGroup, u Undo, versions []string, r types.InstanceRefresh, is *course,
) {
	asked := r.DesiredConfiguration
	if r.Preferences != nil {
		is.by = *r.Preferences
	}
	ends := r.Status == types.InstanceRefreshStatusRollbackInProgress || r.Status == types.InstanceRefreshStatusCancelling
	switch left := plain(g, u.Target, asked); {
	case deploys(asked, u.Target, versions):
		is.back, is.left = f.deploying(ctx, g, r)
	case !ends && (u.after(r) || asked != nil && !u.Parameter && left == ""):
		is.leads = true
	default:
		is.left = left
	}
}

// deploying rolls back a refresh that deploys what is undone.
func (f *Round) deploying(
	ctx context.Context, g types.AutoScalingGroup, r types.InstanceRefresh,
) (back bool, left string) {
	switch r.Status {
	case types.InstanceRefreshStatusRollbackInProgress:
		return true, ""
	case types.InstanceRefreshStatusCancelling:
		return false, "has its refresh cancelled, which leaves it on both images: refresh it"
	default:
		return f.undo(ctx, g)
	}
}

// after reports whether a refresh has begun after the target had gone back: it launches nothing that is undone. Auto
// Scaling tells its start to the second.
func (u Undo) after(r types.InstanceRefresh) bool {
	began := aws.ToTime(r.StartTime)
	return !u.Since.IsZero() && !began.IsZero() && !began.Before(u.Since.Truncate(time.Second))
}

// undo asks Auto Scaling, which takes a group's name and no refresh's id: what goes on is rolled back.
func (f *Round) undo(ctx context.Context, g types.AutoScalingGroup) (back bool, left string) {
	_, err := f.Groups.RollbackInstanceRefresh(ctx,
		&autoscaling.RollbackInstanceRefreshInput{AutoScalingGroupName: g.AutoScalingGroupName})
	switch {
	case err == nil:
		return true, ""
	case fault.Code(err) == noneActive:
		return false, "had its refresh end before it could be rolled back: look at which version it names, and refresh it"
	case fault.Code(err) == irreversible:
		return false, "has a refresh that Auto Scaling does not roll back: cancel it, and refresh the group (" +
			fault.Brief(err) + ")"
	default:
		return false, "was not rolled back; " + again(err)
	}
}

// plain is what to say of a refresh that names no number, and may have launched what is undone. It cannot be
// rolled back (user guide, instance-refresh-rollback); a group that names a number
// does not launch from what was rolled by it.
func plain(g types.AutoScalingGroup, template string, asked *types.DesiredConfiguration) string {
	for _, s := range launchesOf(g, asked) {
		if s.Template == template && strings.HasPrefix(s.Version, "$") {
			return "names " + s.Version + ", and Auto Scaling rolls no such refresh back: " +
				"refresh it again when this one has ended"
		}
	}
	return ""
}

// launchesOf is what a refresh launches: what it was asked to, else what its group names.
func launchesOf(g types.AutoScalingGroup, asked *types.DesiredConfiguration) []asg.Spec {
	if asked != nil {
		g = types.AutoScalingGroup{LaunchTemplate: asked.LaunchTemplate, MixedInstancesPolicy: asked.MixedInstancesPolicy}
	}
	return asg.Specs(g)
}

// deploys reports whether a desired configuration names one of these versions of a template.
func deploys(asked *types.DesiredConfiguration, template string, versions []string) bool {
	return asked != nil && slices.ContainsFunc(launchesOf(types.AutoScalingGroup{}, asked),
		func(s asg.Spec) bool { return s.Template == template && slices.Contains(versions, s.Version) })
}
