package plan

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"goldsmith/shared/tag"
)

// Range is the least and the most a number may be.
type Range struct{ Low, High int }

// The ranges of the numbers in a plan.
var (
	// Concurrency is far below what a distributed Map can run at once, 10,000:
	// EC2's API budgets are spent long before.
	Concurrency = Range{1, 1000}
	// Rule is for each rule of a retention policy.
	Rule = Range{0, 1000}
	// Minimum is for the number of images never gone below.
	Minimum = Range{1, 1000}
	// MinHealthy leaves out 0, with which Auto Scaling replaces a whole group at once.
	MinHealthy = Range{1, 100}
	// MaxHealthy is Auto Scaling's, as are the percentages of checkpoints.
	MaxHealthy = Range{100, 200}
	Checkpoint = Range{1, 100}
)

// The limits of durations and texts in a plan.
const (
	// MinWindow is Scheduler's precision: a shorter window may be over when the run begins.
	MinWindow = Duration(time.Minute)
	// MaxWindow is a week: a run that stops instances any later is not the one that was planned.
	MaxWindow = Duration(7 * 24 * time.Hour)
	// MinForce is well beyond the few minutes after which EC2 itself cuts a guest off that does
	// not shut down (User Guide, "How instance stop and start works"): an instance that is not stopped by
	// then hangs, and is not a database that still writes.
	MinForce = Duration(10 * time.Minute)
	// MaxForce leaves a quarter of the hour that a run waits for a stop: AWS gives a forced stop ten
	// minutes before it wants to be asked (User Guide, "Troubleshoot Amazon EC2 instance stop issues").
	MaxForce = Duration(45 * time.Minute)
	// MinDrain is as long as Auto Scaling itself may take. MaxDrain is for as long as the state machine asks again; a
	// target group lets connections drain for five minutes by default (Elastic Load Balancing, "Deregistration delay").
	MinDrain = Duration(time.Minute)
	MaxDrain = Duration(15 * time.Minute)
	// MinHookTimeout leaves a command the time to begin. MaxHookTimeout keeps what Before has brought to rest so for less
	// than an hour, should all that can go wrong do so. DefaultHookTimeout is for databases that flush.
	MinHookTimeout     = Duration(10 * time.Second)
	MaxHookTimeout     = Duration(15 * time.Minute)
	DefaultHookTimeout = Duration(5 * time.Minute)
	// MinFreeze is what it takes to hear of a freeze, to begin snapshots and to see them. MaxFreeze is longer than
	// applications wait for their disks. DefaultFreeze leaves EC2 half a minute for a snapshot that is late.
	MinFreeze     = Duration(20 * time.Second)
	MaxFreeze     = Duration(5 * time.Minute)
	DefaultFreeze = Duration(time.Minute)
	// MinPatience is less than any instance needs for both status checks: they look once a minute.
	MinPatience = Duration(2 * time.Minute)
	// MaxPatience is beyond the slowest boot. The sweep ends a test instance that is older than what this allows.
	MaxPatience = Duration(2 * time.Hour)
	// MaxGroups is how many security groups a network interface has, unless the quota was raised.
	MaxGroups = 5
	// MaxAccounts keeps a plan small, since each of its sources' jobs carries it; EC2 shares an image with 1,000 (User
	// Guide, "AMI quotas"). MaxUnits is for the same reason.
	MaxAccounts = 200
	MaxUnits    = 50
	// MaxDevices is how many volumes most instance types take, the root and network interfaces aside (User Guide, "Amazon
	// EBS volume limits for Amazon EC2 instances").
	MaxDevices = 40
	// MaxCopies keeps a plan small, and each look at copies within a function's minute.
	MaxCopies = 10
	// MaxCommand keeps a plan small, since each of its sources' jobs carries it: a longer
	// test belongs into the image, as a script.
	MaxCommand = 1000
	// MinGrace is an hour: EC2 deprecates to the minute, and somebody should be able to see it before the image goes.
	MinGrace = Duration(time.Hour)
	// MaxGrace is 30 days: the ledger remembers for 62 when an image was deprecated, and two graces must fit into that.
	MaxGrace = Duration(30 * 24 * time.Hour)
	// MaxTags leaves room for Goldsmith's own six among the 50 that EC2 allows on a resource.
	MaxTags = 44
	// MaxTagKey and MaxTagValue are in characters, from EC2's API reference of the type Tag.
	MaxTagKey   = 127
	MaxTagValue = 256
	// MaxPause is for all the pauses of an instance refresh together. Auto Scaling allows
	// two days for each; a run waits two days for the whole.
	MaxPause = Duration(24 * time.Hour)
	// MinPause is Auto Scaling's unit.
	MinPause = Duration(time.Second)
	// DefaultCheckpointDelay is Auto Scaling's.
	DefaultCheckpointDelay = Duration(time.Hour)
	// MaxHealthySpan is how far MaxHealthy may lie above MinHealthy.
	MaxHealthySpan = 100
	// MaxAlarms is how many alarms a refresh may have, MaxAlarm how long a name may be.
	MaxAlarms = 10
	MaxAlarm  = 255
	// MaxGroupName is how long an Auto Scaling group's name may be (API reference, CreateAutoScalingGroup).
	MaxGroupName = 255
)

// The forms of the texts in a plan, as regular expressions that JSON Schema reads alike.
const (
	NameForm     = `^[a-z0-9][a-z0-9-]{0,31}$`
	PrefixForm   = `^[A-Za-z0-9._/()-]{1,32}$`
	InstanceForm = `^i-([0-9a-f]{8}|[0-9a-f]{17})$`
	// TemplateForm is EC2's pattern for LaunchTemplateName, which ids satisfy too.
	TemplateForm = `^[a-zA-Z0-9().\-/_]{3,128}$`
	SubnetForm   = `^subnet-([0-9a-f]{8}|[0-9a-f]{17})$`
	GroupForm    = `^sg-([0-9a-f]{8}|[0-9a-f]{17})$`
	// TypeForm is an instance type's, such as t3.micro or u-6tb1.metal.
	TypeForm = `^[a-z0-9-]+\.[a-z0-9-]+$`
	// ProfileForm is IAM's for names of roles, which are shorter than those of instance profiles.
	ProfileForm = `^[A-Za-z0-9+=,.@_-]{1,64}$`
	// DeviceForm is that of the names that EC2 gives to devices (User Guide, "Device names for volumes"), with and without
	// /dev/.
	DeviceForm = `^(/dev/)?(sd[a-z][1-9]?[0-9]?|xvd[a-z]{1,2}[1-9]?[0-9]?)$`
	// AccountForm is an account's id (API reference of AWS Organizations, Account), OrganizationForm an organization's and
	// UnitForm an organizational unit's. AWS's own ids of organizations have ten characters at least; whether there is
	// such a one is seen before anything is stopped.
	AccountForm      = `^[0-9]{12}$`
	OrganizationForm = `^o-[a-z0-9]{6,32}$`
	UnitForm         = `^ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}$`
	// KeyForm is a KMS key's alias, id or ARN (API reference of KMS, DescribeKey). An alias's ARN is none: of another
	// account's alias a policy cannot say which key may be used.
	KeyForm = `^(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/` + keyID + `|alias/[a-zA-Z0-9/_-]+|` + keyID + `)$`
	keyID   = `([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})`
	// ChannelForm is a channel's id, or its name with or without "#".
	ChannelForm = `^([CGD][A-Z0-9]{6,20}|#?[^\sA-Z#@<>&.,]{1,80})$`
	// MentionForm is Slack's own notation, one or several.
	MentionForm = `^<(!here|!channel|!everyone|!subteam\^S[A-Z0-9]+|@[UW][A-Z0-9]+)>( <(!here|!channel|!everyone|!subteam\^S[A-Z0-9]+|@[UW][A-Z0-9]+)>)*$`
)

// A deployment's functions check their plans at every cold start, and no plan uses all of these forms.
var (
	nameForm         = lazily(NameForm)
	prefixForm       = lazily(PrefixForm)
	instanceForm     = lazily(InstanceForm)
	templateForm     = lazily(TemplateForm)
	subnetForm       = lazily(SubnetForm)
	groupForm        = lazily(GroupForm)
	typeForm         = lazily(TypeForm)
	profileForm      = lazily(ProfileForm)
	channelForm      = lazily(ChannelForm)
	deviceForm       = lazily(DeviceForm)
	accountForm      = lazily(AccountForm)
	unitForm         = lazily(UnitForm)
	organizationForm = lazily(OrganizationForm)
	mentionForm      = lazily(MentionForm)
	regionForm       = lazily(RegionForm)
	keyForm          = lazily(KeyForm)
)

// lazily compiles an expression when it is first asked for.
func lazily(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

// The choices a plan offers, the default first.
var (
	Consistencies = []Consistency{Stop, Reboot, None, Frozen}
	FreezeOfs     = []FreezeOf{FreezeFilesystems, FreezeMySQL, FreezePostgreSQL, FreezeMongoDB}
	Restarts      = []Restart{Snapshotted, Available}
	Items         = []Item{ItemCloudInit, ItemMachineID, ItemSSHHostKeys, ItemHostname, ItemDHCPLeases, ItemUdevNet,
		ItemAgents, ItemSystemdKey, ItemHistories, ItemLogs, ItemRandomSeed, ItemTemporary}
	Bases         = []Base{BaseDefault, BaseLatest}
	Deletes       = []Delete{DeleteAlways, DeleteAsSource}
	Protecteds    = []Protected{ProtectedWait, ProtectedIgnore, ProtectedRefresh}
	Standbys      = []Standby{StandbyWait, StandbyIgnore, StandbyTerminate}
	Healths       = []Health{Running, Checked}
	GroupStandbys = []GroupStandby{StandbyNever, StandbyShrink, StandbyReplace}
	GroupPicks    = []GroupPick{PickOldest, PickNewest, PickAny}
	VolumeTypes   = []VolumeType{GP3, GP2, IO2, IO1, ST1, SC1, Standard}
	HookFailures  = []HookFailure{HookSkip, HookIgnore, HookFail}
	Outcomes      = []Outcome{OK, Partial, Failed}
	Channels      = []Channel{EventBridge, SNS, Slack}
	Links         = []Link{Console, Presigned}

	InstanceStores = []InstanceStore{Skip, Lose}
)

// Problem is one thing wrong with a plan.
type Problem struct {
	// Path is where: "default", "nightly.window", "nightly.sources.ids[0]".
	Path string
	// Text is a sentence without its subject: "-5 is outside 1 to 1000".
	Text string
}

// String is path and text.
func (p Problem) String() string { return p.Path + ": " + p.Text }

// Check finds everything wrong in filled-in plans but their schedules, which
// package schedule knows, in the order of the plans' names.
func (p Plans) Check() []Problem {
	names := slices.Sorted(maps.Keys(p.Plans))
	var found []Problem
	if len(names) == 0 {
		return []Problem{{"plans", "holds no plan"}}
	}
	switch _, known := p.Plans[p.Default]; {
	case p.Default == "":
		found = append(found, Problem{"default", "is missing: name the plan that the tag " +
			tag.Request + "=" + tag.RequestDefault + " means, one of " + strings.Join(names, ", ")})
	case !known:
		found = append(found, Problem{"default",
			fmt.Sprintf("%q is no plan; the plans are %s", p.Default, strings.Join(names, ", "))})
	}
	for _, name := range names {
		c := checker{path: name}
		c.name(name, p.Plans[name].Name)
		found = append(found, append(c.found, p.Plans[name].Check()...)...)
	}
	return append(found, p.shared(names)...)
}

// shared are launch templates that plans list for several sources: each would be rolled for all of them, in turns.
func (p Plans) shared(names []string) []Problem {
	type listing struct{ plan, source string }
	first := map[string]listing{}
	var c checker
	for _, name := range names {
		c.path = name
		templates := p.Plans[name].Roll.Templates
		for _, source := range slices.Sorted(maps.Keys(templates)) {
			for i, template := range templates[source] {
				other, listed := first[template]
				if !listed {
					first[template] = listing{name, source}
				} else if other.source != source {
					c.add(item("roll.templates."+source, i, templates[source]),
						"%q is listed for source %s by plan %s: a launch template takes the images of one source",
						template, other.source, other.plan)
				}
			}
		}
	}
	return c.found
}

// Check finds everything wrong in a filled-in plan but its schedule.
func (p Plan) Check() []Problem {
	c := checker{path: p.Name}
	choice(&c, "consistency", p.Consistency, Consistencies)
	choice(&c, "restart", p.Restart, Restarts)
	choice(&c, "health", p.Health, Healths)
	choice(&c, "instanceStore", p.InstanceStore, InstanceStores)
	if p.Restart == Available && p.Runs() {
		c.add("restart", "available means nothing with consistency %s, which stops no instance", p.Consistency)
	}
	c.within("concurrency", p.Concurrency, Concurrency)
	if p.Window < MinWindow || p.Window > MaxWindow {
		c.add("window", "%s is outside 1m to 168h", p.Window)
	}
	c.force(p)
	c.groups(p)
	c.drain(p)
	c.freeze(p)
	c.hooks(p)
	c.selector(p.Name, p.Sources)
	c.image(p.Image)
	c.volumes(p)
	c.verify(p.Verify)
	c.generalize(p)
	c.share("share", p.Share)
	c.copies(p)
	c.roll(p.Roll)
	c.rollVolumes(p)
	c.refresh(p.Roll)
	c.keep(p.Keep)
	c.notify(p.Notify)
	return c.found
}

// force is off at zero.
func (c *checker) force(p Plan) {
	switch {
	case p.Force == 0:
	case p.Runs():
		c.add("force", "means nothing with consistency %s, which stops no instance", p.Consistency)
	case p.Force < MinForce:
		c.add("force", "%s is less than 10m: EC2 itself cuts off a guest that does not shut down, after some minutes",
			p.Force)
	case p.Force > MaxForce:
		c.add("force", "%s is more than 45m: a run waits an hour for a stop, and a forced one needs some of it", p.Force)
	}
}

// checker gathers the problems of one plan.
type checker struct {
	path  string
	found []Problem
}

func (c *checker) add(path, text string, args ...any) {
	if c.path != "" && path != "" {
		path = "." + path
	}
	c.found = append(c.found, Problem{c.path + path, fmt.Sprintf(text, args...)})
}

func (c *checker) name(key, name string) {
	if problem := NameProblem(key); problem != "" {
		c.add("", "%s", problem)
	} else if name != key {
		c.add("name", "%q differs from the plan's key %q", name, key)
	}
}

// NameProblem is why a plan may not be called so; empty for a name.
func NameProblem(name string) string {
	switch name {
	case tag.RequestDefault:
		return fmt.Sprintf("is no name for a plan: in %s=%s it means the default plan", tag.Request, tag.RequestDefault)
	case tag.LeftOut:
		return fmt.Sprintf("is no name for a plan: on a volume %s=%s means that it is left out of images", tag.Request,
			tag.LeftOut)
	case "default", "plans":
		return "is no name for a plan: it is a key of the file"
	case "sweep":
		return "is no name for a plan: the schedule of Goldsmith's own sweep is called so"
	}
	if !nameForm().MatchString(name) {
		return fmt.Sprintf("%q is no name for a plan; want 1 to 32 of a-z, 0-9 and -, not beginning with -", name)
	}
	return ""
}

func choice[T ~string](c *checker, path string, value T, all []T) {
	if slices.Contains(all, value) {
		return
	}
	words := make([]string, len(all))
	for i, v := range all {
		words[i] = string(v)
	}
	c.add(path, "%q is none of %s", value, strings.Join(words, ", "))
}

func (c *checker) within(path string, value int, r Range) {
	if value < r.Low || value > r.High {
		c.add(path, "%d is outside %d to %d", value, r.Low, r.High)
	}
}

// form tells of a text that is not of its form, with an article and a description of it.
func (c *checker) form(path, value string, form func() *regexp.Regexp, want string) {
	if !form().MatchString(value) {
		c.add(path, "%q is %s", value, want)
	}
}

// once tells of a value that a list holds twice.
func once[T ~string](c *checker, path string, list []T) {
	for i, v := range list {
		if slices.Index(list, v) < i {
			c.add(item(path, i, list), "%q is listed twice", v)
		}
	}
}

// item is the path of one of a list's items; a list of one is written without brackets.
func item[T any](path string, i int, list []T) string {
	if len(list) == 1 {
		return path
	}
	return fmt.Sprintf("%s[%d]", path, i)
}
