// Package source knows what may be imaged and why not: Decide, purely from
// what EC2 says. The rehearsal, select and claim ask it, so that a rehearsal
// equals the night.
package source

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/asg"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// Facts are all that Decide knows: the run, its plan, and what EC2 says of an instance.
type Facts struct {
	Run  job.Run
	Plan plan.Plan
	Now  time.Time

	Instance types.Instance
	// WasRunning is whether it ran when the run first looked at it: what came after may be the run's own doing.
	WasRunning bool
	// StopProtected is the attribute disableApiStop, which DescribeInstances does not show; ProtectionUnseen is whether
	// EC2 does not say it.
	StopProtected, ProtectionUnseen bool
	// InstanceStore is whether the instance type comes with instance-store volumes.
	InstanceStore bool
	// StoreUnseen is whether EC2 does not say whether it does.
	StoreUnseen bool
	// SlowVolume is whether an st1 or sc1 volume is attached.
	SlowVolume bool
	// OneTimeSpot is whether a Spot instance's request is not persistent.
	OneTimeSpot bool
	// SpotCancelled is whether it is cancelled, SpotEnds when it ends; zero when it does not.
	SpotCancelled bool
	SpotEnds      time.Time
	// Keys are the KMS keys of its encrypted volumes, by their ARNs; keyOf is which volume has which.
	Keys  []string
	keyOf map[string]string
	// KeyUnseen is whether one of them cannot be looked at.
	KeyUnseen bool
	// Member is what Auto Scaling says of a member of a group; nil where it was not asked.
	Member *asg.Member
	// Marked are the attached volumes that carry the tag goldsmith:image=no.
	Marked []string
	// Unread are the attached volumes of which EC2 does not say under which key they are, if under any.
	Unread []string
}

// Of is the facts with an instance as EC2 shows it now.
func (f Facts) Of(i types.Instance) Facts {
	f.Instance, f.WasRunning = i, State(i) == types.InstanceStateNameRunning
	return f
}

// judged says whether the instance may be imaged under the plan: skip is the
// reason why not, warnings are what to know of one that may. For a strict plan
// the first warning is the reason to skip.
func (f Facts) judged() (skip *job.Reason, warnings []job.Reason) {
	for _, rule := range rules {
		if text := rule.broken(f); text != "" {
			return &job.Reason{Code: rule.code, Text: text}, nil
		}
	}
	for _, rule := range cautions {
		if text := rule.broken(f); text != "" {
			warnings = append(warnings, job.Reason{Code: rule.code, Text: text})
		}
	}
	if f.Plan.Strict && len(warnings) > 0 {
		return &job.Reason{Code: warnings[0].Code, Text: warnings[0].Text + " (the plan is strict)"}, nil
	}
	if f.Plan.InstanceStore == plan.Lose && f.storeLost() {
		warnings = append(warnings, job.Reason{Code: job.InstanceStoreData, Text: string(f.Instance.InstanceType) +
			" has instance-store volumes: what was on them is lost by the stop, and the image does not hold it"})
	}
	if reason := f.Replacing(); reason != nil {
		warnings = append(warnings, *reason)
	}
	return nil, warnings
}

// Replacing tells of the member that a group launches while this one is out of service; nil where none is.
func (f Facts) Replacing() *job.Reason {
	if f.Member == nil || !f.Stops() || !f.Plan.Groups.Replaces() {
		return nil
	}
	return &job.Reason{Code: job.Replaced, Text: "group " + f.Member.Name() + " launches another member while this one " +
		"is in Standby, and terminates one by its termination policy once it is back; this one is protected from scale-in " +
		"until then"}
}

// rule is one reason; broken is its sentence, or "" when the instance is fine.
type rule struct {
	code   job.ReasonCode
	broken func(Facts) string
}

// rules go from what cannot be changed to what may differ tomorrow, so that the
// reason given is the one that lasts.
var rules = []rule{
	{job.Terminating, terminating},
	{job.InstanceStoreRoot, instanceStoreRoot},
	{job.Hibernation, hibernation},
	{job.AutoScalingMember, autoScalingMember},
	{job.OneTimeSpot, oneTimeSpot},
	{job.SpotEnds, spotEnds},
	{job.InstanceStoreData, instanceStoreData},
	{job.StoreUnseen, storeUnseen},
	{job.StopProtected, stopProtected},
	{job.ChangingState, changingState},
	{job.NotFreezable, notFreezable},
}

var cautions = []rule{
	{job.AddressChanges, addressChanges},
	{job.SlowVolume, slowVolume},
	{job.DedicatedHost, dedicatedHost},
	{job.KeyUnseen, keyUnseen},
	{job.QuotaUnseen, quotaUnseen},
}

func terminating(f Facts) string {
	if s := State(f.Instance); Ending(s) {
		return "it is " + string(s)
	}
	return ""
}

// An instance-store root can neither be stopped (UnsupportedOperation) nor be
// imaged with CreateImage.
func instanceStoreRoot(f Facts) string {
	if f.Instance.RootDeviceType == types.DeviceTypeInstanceStore {
		return "its root volume is instance store: it cannot be stopped, and CreateImage does not take it"
	}
	return ""
}

// AWS recommends against imaging instances with hibernation: the image may not be reachable.
func hibernation(f Facts) string {
	if h := f.Instance.HibernationOptions; h != nil && aws.ToBool(h.Configured) {
		return "hibernation is enabled: images of it may not boot"
	}
	return ""
}

// A group replaces, that is terminates, a member that is not running; stop
// protection does not save it.
func autoScalingMember(f Facts) string {
	group := Tags(f.Instance)[tag.Group]
	switch {
	case group == "" || !f.Stops(), f.Plan.Groups.Stands() && f.Member == nil:
		return ""
	case f.Plan.Groups.Stands():
		return f.Member.Against(f.Plan.Groups.Replaces())
	}
	return "Auto Scaling group " + group +
		" would terminate it once it is stopped: let the plan put it into Standby (groups.standby: shrink or replace), " +
		"image it with consistency none or reboot, or image another"
}

func oneTimeSpot(f Facts) string {
	if f.OneTimeSpot && f.Stops() {
		return "it is a Spot instance of a one-time request: only persistent ones can be stopped"
	}
	return ""
}

func stopProtected(f Facts) string {
	switch {
	case !f.Stops():
		return ""
	case f.StopProtected:
		return "stop protection is on"
	case f.ProtectionUnseen:
		return "EC2 does not say whether stop protection is on, so it counts as on"
	default:
		return ""
	}
}

func changingState(f Facts) string {
	if s := State(f.Instance); s != types.InstanceStateNameRunning && s != types.InstanceStateNameStopped {
		return fmt.Sprintf("it is %s, on its way to another state", s)
	}
	return ""
}

// EC2 records the mapping of an instance-store volume in the image, never its data, and stopping loses the data.
func instanceStoreData(f Facts) string {
	if f.Plan.InstanceStore == plan.Lose || !f.storeLost() {
		return ""
	}
	return fmt.Sprintf("%s has instance-store volumes: stopping loses what is on them, and the image never holds it; "+
		"a plan with instanceStore: lose accepts that", f.Instance.InstanceType)
}

// storeUnseen is for a type of which EC2 answers nothing: what cannot be seen may be lost.
func storeUnseen(f Facts) string {
	if f.Plan.InstanceStore == plan.Lose || !f.StoreUnseen || !f.Stops() {
		return ""
	}
	return fmt.Sprintf("EC2 does not say whether %s has instance-store volumes, of which a stop loses what is on them; "+
		"a plan with instanceStore: lose accepts that", f.Instance.InstanceType)
}

func (f Facts) storeLost() bool { return f.InstanceStore && f.Stops() }

// EC2 scrubs a host before anything starts on it again: a Mac's for hours
// (docs.aws.amazon.com/AWSEC2/latest/UserGuide/mac-instance-stop.html).
func dedicatedHost(f Facts) string {
	if !f.Stops() || f.Instance.Placement == nil || f.Instance.Placement.Tenancy != types.TenancyHost {
		return ""
	}
	if strings.HasPrefix(string(f.Instance.InstanceType), "mac") {
		return "it is a Mac: EC2 scrubs its host for one to three hours after the stop, and it is down until then"
	}
	return "it runs on a Dedicated Host: it is down until that host, or another one of its host resource group, has " +
		"room for it again"
}

// EC2 gives back an auto-assigned public IPv4 address on stop; an Elastic IP stays.
func addressChanges(f Facts) string {
	if !f.Stops() {
		return ""
	}
	for _, card := range f.Instance.NetworkInterfaces {
		if a := card.Association; a != nil && aws.ToString(a.IpOwnerId) == "amazon" {
			return "its public address is auto-assigned and changes on restart"
		}
	}
	return ""
}

// st1 and sc1 volumes take one snapshot at a time.
func slowVolume(f Facts) string {
	if f.SlowVolume {
		return "it has an st1 or sc1 volume, which takes one snapshot at a time: another backup in progress makes imaging " +
			"wait"
	}
	return ""
}

// The freezes are a shell's. Those of Windows make the snapshots themselves (AWSEC2-CreateVssSnapshot).
func notFreezable(f Facts) string {
	if f.Plan.Consistency == plan.Frozen && State(f.Instance) == types.InstanceStateNameRunning &&
		strings.EqualFold(string(f.Instance.Platform), string(types.PlatformValuesWindows)) {
		return "it runs Windows, which consistency frozen does not know how to freeze: image it with consistency stop"
	}
	return ""
}

// Stops reports whether imaging the instance under the plan would stop it.
func (f Facts) Stops() bool {
	return f.Plan.Consistency == plan.Stop && State(f.Instance) == types.InstanceStateNameRunning
}

// State is the instance's state; "" when EC2 did not say.
func State(i types.Instance) types.InstanceStateName {
	if i.State == nil {
		return ""
	}
	return i.State.Name
}

// Ending reports whether an instance in this state is gone or on its way out.
func Ending(s types.InstanceStateName) bool {
	return s == types.InstanceStateNameTerminated || s == types.InstanceStateNameShuttingDown
}

// Down reports whether the instance neither runs nor is gone.
func Down(i types.Instance) bool {
	state := State(i)
	return state != types.InstanceStateNameRunning && !Ending(state)
}

// Volumes are the EBS volumes attached to the instance: an image holds a
// snapshot of each.
func Volumes(i types.Instance) []string {
	var ids []string
	for _, mapping := range i.BlockDeviceMappings {
		if mapping.Ebs != nil && mapping.Ebs.VolumeId != nil {
			ids = append(ids, *mapping.Ebs.VolumeId)
		}
	}
	slices.Sort(ids)
	return ids
}

// Why is EC2's own reason for the instance's state, for a message.
func Why(i types.Instance) string {
	if r := i.StateReason; r != nil && aws.ToString(r.Message) != "" {
		return "EC2 says: " + aws.ToString(r.Message)
	}
	if text := aws.ToString(i.StateTransitionReason); text != "" {
		return "EC2 says: " + text
	}
	return "EC2 gave no reason"
}

// StoppedAt is when a person or something stopped the instance by the API, to the second; false when EC2 names no such
// moment: "User initiated (2026-03-01 02:31:07 GMT)" (API reference, Instance, StateTransitionReason).
func StoppedAt(i types.Instance) (time.Time, bool) {
	at, err := time.Parse("User initiated (2006-01-02 15:04:05 GMT)", aws.ToString(i.StateTransitionReason))
	return at, err == nil
}

// Products are the codes of products of AWS Marketplace that an instance carries, and with it whatever is imaged of it.
func Products(i types.Instance) (codes []string) {
	for _, c := range i.ProductCodes {
		if c.ProductCodeType == types.ProductCodeValuesMarketplace {
			codes = append(codes, aws.ToString(c.ProductCodeId))
		}
	}
	slices.Sort(codes)
	return codes
}

// Kept are an instance's devices whose volumes stay when it is terminated, as those that were attached
// later do by default.
func Kept(i types.Instance) []string {
	var devices []string
	for _, m := range i.BlockDeviceMappings {
		if m.Ebs != nil && !aws.ToBool(m.Ebs.DeleteOnTermination) {
			devices = append(devices, aws.ToString(m.DeviceName))
		}
	}
	return devices
}
