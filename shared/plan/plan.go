// Package plan knows what a plan says: which sources, when, how, what to keep,
// what to roll and whom to tell. How a plan is written down is planfile's matter.
package plan

import (
	"cmp"
	"slices"
)

// Plans is everything plans.yaml holds.
type Plans struct {
	// Default names the plan behind the request tag goldsmith:image=now. It must be given.
	Default string `json:"default"`
	// Plans are the policies by name: 1 to 32 of a-z, 0-9 and "-".
	Plans map[string]Plan `json:"plans"`
}

// Plan is one policy. The zero value of a field means its default, which
// planfile fills in, so code after planfile never meets an empty choice.
type Plan struct {
	// Name is the plan's key in plans.yaml; it is written into tags, image names and execution names.
	Name string `json:"name,omitempty" yaml:"-"`
	// Schedule is an EventBridge Scheduler expression: cron(...), rate(...) or at(...). Empty: on request only.
	Schedule string `json:"schedule,omitempty"`
	// Timezone is the IANA zone the schedule is read in. Default UTC.
	Timezone string `json:"timezone,omitempty"`
	// Sources narrows the plan to some of the sources enrolled by goldsmith:plan=<plan>. Empty: all of them.
	Sources Selector `json:"sources,omitzero"`
	// Consistency is how the data on disk is brought to rest before imaging. Default stop.
	Consistency Consistency `json:"consistency,omitempty"`
	// Freeze says what stands still meanwhile, with consistency frozen.
	Freeze Freeze `json:"freeze,omitzero"`
	// Restart is the moment a stopped instance is started again. Default snapshotted.
	Restart Restart `json:"restart,omitempty"`
	// Health is what counts as back. Default running.
	Health Health `json:"health,omitempty"`
	// InstanceStore is what happens to an instance whose instance-store data a stop would lose. Default skip.
	InstanceStore InstanceStore `json:"instanceStore,omitempty"`
	// Concurrency is how many sources may be down at once, over all runs and requests of the plan, 1 to 1000. What is
	// over it waits its turn. A run works on as many at once. Default 10.
	Concurrency int `json:"concurrency,omitempty"`
	// Limit is the most sources that may be stopped from one scheduled start to the next, requests included; without a
	// schedule, in 24 hours. A run that selects more is an error and touches nothing; a request over it is refused.
	// Default: no limit.
	Limit Limit `json:"limit,omitzero"`
	// Window is how long after its scheduled time a run may still stop instances, 1m to 168h. Default 4h.
	Window Duration `json:"window,omitempty"`
	// Force is how long a stop may hang before the instance is stopped by force, 10m to 45m. Default: never.
	// A forced stop may skip flushing: file systems may need a check, and the image holds what was on disk.
	Force Duration `json:"force,omitempty"`
	// Groups says what is done with members of Auto Scaling groups.
	Groups Groups `json:"groups,omitzero"`
	// Drain takes an instance out of its load balancers' target groups before it is stopped, lets its connections drain,
	// and registers it again once it is back. Members of Auto Scaling groups are taken out of service as Groups says.
	// Default: its targets stay, and fail their health checks while it is down.
	Drain bool `json:"drain,omitempty"`
	// Hooks are commands that are run on an instance before it is stopped or imaged, and after it is back.
	Hooks Hooks `json:"hooks,omitzero"`
	// Strict turns warnings (a public address that will change, slow volumes, a Dedicated Host) into skips.
	Strict bool `json:"strict,omitempty"`
	// Image says how images are named and tagged.
	Image Image `json:"image,omitzero"`
	// Verify says how an image is tried before anything is pointed at it.
	Verify Verify `json:"verify"`
	// Generalize has images made that are fit to be launched many times.
	Generalize Generalize `json:"generalize,omitzero"`
	// Share says who else may launch the images.
	Share Share `json:"share,omitzero"`
	// Copies are copies of each image: in other Regions, and under other keys.
	Copies []Copy `json:"copies,omitempty"`
	// Roll says what is pointed at the new image.
	Roll Roll `json:"roll,omitzero"`
	// Keep says which images are kept.
	Keep Keep `json:"keep,omitzero"`
	// Notify says who hears of a run.
	Notify Notify `json:"notify,omitzero"`
}

// Selector narrows the enrolled sources. All that is given must hold.
type Selector struct {
	// Tags that a source must carry: key to accepted values; no value listed means any value.
	Tags map[string][]string `json:"tags,omitempty"`
	// Exclude are tags that keep a source out: key to values; no value listed means any value.
	Exclude map[string][]string `json:"exclude,omitempty"`
	// IDs are instance ids the plan is confined to.
	IDs []string `json:"ids,omitempty"`
	// Snapshots are root volumes' snapshots that another tool makes. A plan with them images no instances.
	Snapshots Snapshots `json:"snapshots,omitzero"`
}

// Snapshots select snapshots of root volumes: of each source the newest is imaged.
type Snapshots struct {
	// Tags that a snapshot must carry: key to accepted values; no value listed means any value.
	Tags map[string][]string `json:"tags,omitempty"`
}

// OfSnapshots reports whether the plan's sources are snapshots.
func (s Selector) OfSnapshots() bool { return len(s.Snapshots.Tags) > 0 }

// Consistency is how the data on disk is brought to rest before imaging.
type Consistency string

const (
	// Stop stops the instance: every write is on disk.
	Stop Consistency = "stop"
	// Reboot lets CreateImage reboot the instance: file systems are flushed, seconds of downtime.
	Reboot Consistency = "reboot"
	// None images the running instance: crash-consistent only.
	None Consistency = "none"
	// Frozen images the running instance while what Freeze names stands still, for seconds.
	Frozen Consistency = "frozen"
)

// Restart is the moment a stopped instance is started again.
type Restart string

const (
	// Snapshotted starts it once every volume has a snapshot: later writes cannot reach the image.
	Snapshotted Restart = "snapshotted"
	// Available starts it only when the image is available.
	Available Restart = "available"
)

// Health is what counts as back.
type Health string

const (
	// Running is the instance state.
	Running Health = "running"
	// Checked is running with both EC2 status checks passed.
	Checked Health = "checked"
)

// InstanceStore is what happens to an instance whose instance-store data a stop would lose.
type InstanceStore string

const (
	// Skip leaves it alone.
	Skip InstanceStore = "skip"
	// Lose stops it all the same: what is on its instance-store volumes is lost.
	Lose InstanceStore = "lose"
)

// Image says how images are named and tagged.
type Image struct {
	// Prefix starts the AMI name: 1 to 32 of A-Z, a-z, 0-9 and ". _ / ( ) -". Default goldsmith.
	Prefix string `json:"prefix,omitempty"`
	// Tags are added to image and snapshots, at most 44: EC2 takes 50 and Goldsmith writes up to six.
	Tags map[string]string `json:"tags,omitempty"`
	// Volumes says which volumes are left out of the images of instances. Default: none.
	Volumes Volumes `json:"volumes,omitzero"`
	// DeleteOnTermination is whether volumes are deleted with the instances that are launched from the image: always, or
	// as the source has it. Default: always where launch templates take the image, or groups are refreshed; else source.
	DeleteOnTermination Delete `json:"deleteOnTermination,omitempty"`
	// Settings are attributes of images that are made of snapshots, as the tag goldsmith:image-settings says them, which
	// counts more: "bootMode=uefi enaSupport=true". Default: none.
	Settings string `json:"settings,omitempty"`
	// Copy has the image of a snapshot registered on a copy, which is Goldsmith's. Without it the image keeps the
	// snapshot's owner from deleting it. Default true.
	Copy bool `json:"copy"`
}

// Delete is when volumes are deleted with their instance.
type Delete string

const (
	// DeleteAlways is for images of members of groups.
	DeleteAlways Delete = "always"
	// DeleteAsSource leaves it as the source's volumes have it: for backups of one server.
	DeleteAsSource Delete = "source"
)

// Verify says how an image is tried: one instance is launched from it, and terminated whatever comes of it.
type Verify struct {
	// Boot launches the test instance: both EC2 status checks must pass, or nothing is rolled. Default false.
	Boot bool `json:"boot"`
	// Subnet is where it is launched. It must be given: a copy of a server boots there, and may do its work.
	Subnet string `json:"subnet,omitempty"`
	// SecurityGroups are its security groups, at most 5. Default: the VPC's default group.
	SecurityGroups []string `json:"securityGroups,omitempty"`
	// InstanceType is its type. Default: the source's own.
	InstanceType string `json:"instanceType,omitempty"`
	// Profile is the name of its instance profile, whose role has the same name. Default: none.
	Profile string `json:"profile,omitempty"`
	// Command is a shell command that must succeed on it, sent by Systems Manager. Default: none.
	Command string `json:"command,omitempty"`
	// Patience is how long the status checks may take, and the command after them, 2m to 2h. Default 20m.
	Patience Duration `json:"patience,omitempty"`
}

// given reports whether anything is said of a test instance.
func (v Verify) given() bool {
	return v.Subnet != "" || len(v.SecurityGroups) > 0 || v.InstanceType != "" || v.Profile != "" || v.Command != ""
}

// Share says who else may launch the images. An image keeps the key of its snapshots, so that who launches it needs the
// use of that as well.
type Share struct {
	// Accounts are ids of AWS accounts, at most 200: "111122223333". Default: none.
	Accounts []string `json:"accounts,omitempty"`
	// Organization is the id of the account's own organization in AWS Organizations, o-...: all its accounts may launch
	// the images. Default: none.
	Organization string `json:"organization,omitempty"`
	// OrganizationalUnits are ids of organizational units in the account's own organization, ou-..., at most 50.
	// Default: none.
	OrganizationalUnits []string `json:"organizationalUnits,omitempty"`
	// Snapshots lets the accounts make volumes of the images' snapshots too, without which they cannot copy the images.
	// EC2 shares no snapshot with an organization. Default false.
	Snapshots bool `json:"snapshots,omitempty"`
}

// IsZero reports whether nothing is said of sharing.
func (s Share) IsZero() bool {
	return len(s.Accounts) == 0 && s.Organization == "" && len(s.OrganizationalUnits) == 0 && !s.Snapshots
}

// Organizes reports whether images are shared with an organization, or a part of one.
func (s Share) Organizes() bool { return s.Organization != "" || len(s.OrganizationalUnits) > 0 }

// Copy is a copy of each image, once it is proven, with its own retention. It is named and tagged as the image.
type Copy struct {
	// Region is where the copy is, such as us-east-1. It must be given. In the suite's own Region a copy wants a key.
	Region string `json:"region"`
	// Key is the KMS key that it is encrypted under, which has to be in that Region: alias/golden, a key's id or an ARN.
	// Default: none; what is encrypted is under that Region's default key for EBS then, which no other account can use.
	Key string `json:"key,omitempty"`
	// Keep says which copies are kept. Default: the plan's; what it leaves out beside its rules is the plan's, too.
	Keep Keep `json:"keep,omitzero"`
	// Share says who else may launch the copy, which keeps its own key: one that has to be shared wants a key that the
	// other accounts may use. Default: nobody.
	Share Share `json:"share,omitzero"`
	// Alias has the copy rolled in its Region once it is there: into the alias of its name, and into launch templates
	// that are tagged goldsmith:source there.
	Alias bool `json:"alias,omitempty"`
}

// Shares reports whether images or copies of them are shared with anyone.
func (p Plan) Shares() bool {
	return !p.Share.IsZero() || slices.ContainsFunc(p.Copies, func(c Copy) bool { return !c.Share.IsZero() })
}

// CopyIn is the plan's copy in a Region; the zero Copy where there is none.
func (p Plan) CopyIn(region string) Copy {
	for _, c := range p.Copies {
		if c.Region == region {
			return c
		}
	}
	return Copy{}
}

// RollsIn reports whether copies in a Region are rolled there. In the suite's own Region the image itself is.
func (p Plan) RollsIn(region, home string) bool { return region != home && p.CopyIn(region).Alias }

// KeepIn says which of the plan's copies in a Region are kept.
func (p Plan) KeepIn(region string) Keep {
	keep := p.CopyIn(region).Keep
	if keep == (Keep{}) {
		return p.Keep
	}
	keep.Minimum, keep.Grace = cmp.Or(keep.Minimum, p.Keep.Minimum), cmp.Or(keep.Grace, p.Keep.Grace)
	return keep
}

// Roll says what is pointed at the new image. Templates tagged goldsmith:source=<name>
// are always found; this adds to them.
type Roll struct {
	// Templates maps a source's name to launch template ids (lt-...) or names.
	Templates map[string][]string `json:"templates,omitempty"`
	// Skip leaves templates and aliases alone.
	Skip bool `json:"skip,omitempty"`
	// Together rolls all templates and aliases of a source or none: when one cannot be rolled the others are put back.
	Together bool `json:"together,omitempty"`
	// Base is which version of a launch template a new one is made from where what launches from it disagrees, or where
	// nothing is seen to and default and latest differ: default or latest. Default: such a template is left alone.
	Base Base `json:"base,omitempty"`
	// Volumes says of which volumes new versions of launch templates are to launch, by device as the image names it;
	// root is the image's root, whatever it is called. What is not said here is as the template has it, and else as the
	// image has. Default: nothing but the image changes.
	Volumes map[string]RollVolume `json:"volumes,omitempty"`
	// Refresh says whether Auto Scaling groups that use what was rolled are moved to it.
	Refresh Refresh `json:"refresh,omitzero"`
}

// Base is a version of a launch template.
type Base string

const (
	// BaseDefault is the default version.
	BaseDefault Base = "default"
	// BaseLatest is the version of the highest number.
	BaseLatest Base = "latest"
)

// Refresh says how Auto Scaling groups are moved to the new image: by instance
// refreshes, each waited for. What is left out is Auto Scaling's own default.
type Refresh struct {
	// Enabled starts an instance refresh of every group that uses a rolled template. Default false.
	Enabled bool `json:"enabled,omitempty"`
	// Warn only looks for groups that go on launching an older version by its number, and tells of them. Default false.
	Warn bool `json:"warn,omitempty"`
	// MinHealthy is the percentage of a group that must serve meanwhile, 1 to 100. Default: the group's policy, else 90.
	MinHealthy int `json:"minHealthy,omitempty"`
	// MaxHealthy is the percentage that a group may grow to meanwhile, 100 to 200 and at most 100 above minHealthy.
	// Default: the group's policy, else 100.
	MaxHealthy int `json:"maxHealthy,omitempty"`
	// Bake is how long a refresh waits and watches after the last instance, 1s to 24h. Default: not at all.
	Bake Duration `json:"bake,omitempty"`
	// Checkpoints are the percentages of new instances at which a refresh pauses, ascending and with 100 at the end.
	// Default: none.
	Checkpoints []int `json:"checkpoints,omitempty"`
	// CheckpointDelay is how long it pauses at each, 1s to 24h. Default: 1h.
	CheckpointDelay Duration `json:"checkpointDelay,omitempty"`
	// Alarms are names of CloudWatch alarms that fail a refresh when they go off, at most 10.
	Alarms []string `json:"alarms,omitempty"`
	// Protected is what a refresh does about members that are protected from scale-in: wait for an hour, ignore or
	// refresh them. Default wait.
	Protected Protected `json:"protected,omitempty"`
	// Standby is what it does about members in Standby: wait for an hour, ignore or terminate them. Default wait.
	Standby Standby `json:"standby,omitempty"`
	// Groups are names of groups that are refreshed although another AWS service owns them.
	Groups []string `json:"groups,omitempty"`
	// AutoRollback takes a group back to what it launched before when its refresh fails, where Auto Scaling can. Default
	// true.
	AutoRollback bool `json:"autoRollback,omitempty"`
}

// Protected is what an instance refresh does about members that are protected from scale-in.
type Protected string

// Standby is what an instance refresh does about members in Standby.
type Standby string

// The words are Auto Scaling's (API reference, RefreshPreferences), in small letters.
const (
	ProtectedWait    Protected = "wait"
	ProtectedIgnore  Protected = "ignore"
	ProtectedRefresh Protected = "refresh"

	StandbyWait      Standby = "wait"
	StandbyIgnore    Standby = "ignore"
	StandbyTerminate Standby = "terminate"
)

// Keep is a retention policy over the images of one source and plan. An image
// that any rule keeps is kept; without a rule nothing is retired.
type Keep struct {
	// Last keeps the newest images, 0 to 1000.
	Last int `json:"last,omitempty"`
	// Daily keeps the newest image of each of the last days that have one, 0 to 1000.
	Daily int `json:"daily,omitempty"`
	// Weekly keeps the newest image of each of the last weeks that have one, 0 to 1000.
	Weekly int `json:"weekly,omitempty"`
	// Monthly keeps the newest image of each of the last months that have one, 0 to 1000.
	Monthly int `json:"monthly,omitempty"`
	// Yearly keeps the newest image of each of the last years that have one, 0 to 1000.
	Yearly int `json:"yearly,omitempty"`
	// Minimum is never gone below, whatever the other rules say, 1 to 1000. Default 1.
	Minimum int `json:"minimum,omitempty"`
	// Grace is how long an image that no rule keeps stays deprecated before it is removed, 1h to 720h. Default 72h.
	Grace Duration `json:"grace,omitempty"`
	// Disable disables an image after the grace period and removes it after a second one: what still needs it fails while
	// it can be had back.
	Disable bool `json:"disable,omitempty"`
}

// Rules reports whether anything may ever be retired.
func (k Keep) Rules() bool { return k.Last+k.Daily+k.Weekly+k.Monthly+k.Yearly > 0 }

// Notify says who hears of a run. A run is always told; On narrows it to some outcomes.
type Notify struct {
	// Via lists the channels by which a run is told: slack, eventbridge, sns. Default slack, if there is a secret for it.
	Via []Channel `json:"via,omitempty"`
	// Channel is a Slack channel for a bot token; a webhook has its own. Default: the secret's.
	Channel string `json:"channel,omitempty"`
	// On lists the outcomes told: ok, partial, failed. Default all.
	On []Outcome `json:"on,omitempty"`
	// Mention is put before a partial or failed message, e.g. "<!subteam^S0123>" or "<!here>".
	Mention string `json:"mention,omitempty"`
	// Link is how messages lead to the run's page, which is kept in a bucket of the suite's: console or presigned.
	// Default: there is no such page.
	Link Link `json:"link,omitempty"`
}

// Link is how a message leads to the page of its run.
type Link string

const (
	// Console is the page in the console of S3, for those who sign in to the account.
	Console Link = "console"
	// Presigned opens the page for everybody who has the link, for some hours.
	Presigned Link = "presigned"
)

// Links reports whether any plan's messages lead to pages, by that kind of link; by any, if it is empty.
func (p Plans) Links(kind Link) bool {
	for _, each := range p.Plans {
		if link := each.Notify.Link; link != "" && (kind == "" || link == kind) {
			return true
		}
	}
	return false
}

// Channel is a way by which people and programs hear of a run.
type Channel string

const (
	// Slack is a message in Slack.
	Slack Channel = "slack"
	// EventBridge are events on the account's default event bus, for programs: of each run, whatever On says, and of each
	// image.
	EventBridge Channel = "eventbridge"
	// SNS is a text to the subscribers of the suite's topic.
	SNS Channel = "sns"
)

// Channels are those that are told, in the order in which they are: programs first, and Slack, which may take long to
// fail, last.
func (n Notify) Channels() []Channel {
	if len(n.Via) == 0 {
		return []Channel{Slack}
	}
	return slices.DeleteFunc(slices.Clone(Channels), func(c Channel) bool { return !slices.Contains(n.Via, c) })
}

// Channels are those that any plan is told by.
func (p Plans) Channels() []Channel {
	var all Notify
	for _, each := range p.Plans {
		all.Via = append(all.Via, each.Notify.Channels()...)
	}
	return all.Channels()
}

// Outcome is how a run ended.
type Outcome string

const (
	// OK means every source was imaged, or skipped for a reason that was expected.
	OK Outcome = "ok"
	// Partial means some sources failed and some did not, or a template could not be rolled or a group not refreshed.
	Partial Outcome = "partial"
	// Failed means nothing was imaged though something should have been, or the run broke.
	Failed Outcome = "failed"
)
