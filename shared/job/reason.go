package job

import (
	"fmt"
	"slices"
	"strings"
)

// ReasonCode is a machine's name for a reason; reports and metrics count by it.
type ReasonCode string

// Reason is why a source is skipped, or what to know of one that is not.
type Reason struct {
	Code ReasonCode `json:"code"`
	// Text is one sentence for a person.
	Text string `json:"text"`
}

// Few joins names for a person, and counts those beyond most: "a, b and 3 more".
func Few(names []string, most int) string {
	more := ""
	if len(names) > most {
		names, more = names[:most], fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ") + more
}

// FewOf is Few after what the names are of: "account 1", "accounts 1, 2".
func FewOf(what string, names []string, most int) string {
	if len(names) != 1 {
		what += "s"
	}
	return what + " " + Few(names, most)
}

// Reasons to leave a source alone.
const (
	InstanceStoreRoot ReasonCode = "instance-store-root"
	OneTimeSpot       ReasonCode = "one-time-spot"
	SpotEnds          ReasonCode = "spot-request-ends"
	AutoScalingMember ReasonCode = "auto-scaling-member"
	AnotherStands     ReasonCode = "another-member-stands"
	StopProtected     ReasonCode = "stop-protected"
	Hibernation       ReasonCode = "hibernation-enabled"
	Terminating       ReasonCode = "terminating"
	ChangingState     ReasonCode = "changing-state"
	Claimed           ReasonCode = "claimed"
	WindowClosed      ReasonCode = "window-closed"
	NotEnrolled       ReasonCode = "not-enrolled"
	Excluded          ReasonCode = "excluded"
	Gone              ReasonCode = "gone"
	Withdrawn         ReasonCode = "withdrawn"
	AlreadyImaged     ReasonCode = "already-imaged"
	Superseded        ReasonCode = "superseded"
	NotARootVolume    ReasonCode = "not-a-root-volume"
	// NotFreezable: the plan freezes what it images, and nobody knows how on this system.
	NotFreezable ReasonCode = "cannot-be-frozen"
	// InstanceStoreData is a warning where the plan accepts the loss.
	InstanceStoreData ReasonCode = "instance-store-data"
	// StoreUnseen: EC2 does not say whether a stop loses data.
	StoreUnseen ReasonCode = "instance-store-unseen"
	// TargetGroups: a target group of it drains for too long. It is a warning of one that it stays in.
	TargetGroups ReasonCode = "target-groups"
)

// Reasons to refuse a source that a person wanted imaged. A run with one is not OK.
const (
	// OverLimit: as many sources of the plan were stopped as its limit allows.
	OverLimit ReasonCode = "over-limit"
	// NoTurn: the window closed before there was a place in the plan's concurrency.
	NoTurn ReasonCode = "no-turn"
	// BreakerOpen: another source is down and cannot be started.
	BreakerOpen ReasonCode = "breaker-open"
	// StillDown: an earlier run has left it stopped.
	StillDown ReasonCode = "still-down"
	// CannotStart: EC2 would not start it again.
	CannotStart ReasonCode = "cannot-be-started"
	// NotRegistrable: no image can be registered of the snapshot, or it is not known how.
	NotRegistrable ReasonCode = "cannot-be-registered"
	// LedgerLost: the ledger has lost its table since the run began.
	LedgerLost ReasonCode = "ledger-lost"
	// LedgerUnread: a record of the ledger cannot be read, and counts as a source that is down.
	LedgerUnread ReasonCode = "ledger-unread"
	// BeforeFailed: the plan's command before failed. It is a warning where the plan has it imaged all the same.
	BeforeFailed ReasonCode = "hook-before-failed"
	// NoTrace: it could not be tagged before its stop.
	NoTrace ReasonCode = "no-second-trace"
)

var refusals = []ReasonCode{OverLimit, NoTurn, BreakerOpen, StillDown, CannotStart, NotRegistrable, LedgerLost,
	LedgerUnread, BeforeFailed, NoTrace}

// Refuses reports whether the source was not left alone for what it is, but refused for now.
func (r Reason) Refuses() bool {
	return slices.Contains(refusals, r.Code)
}

// Warnings; a strict plan skips for them.
const (
	// Waited is for a source that waited for its turn.
	Waited         ReasonCode = "waited"
	AddressChanges ReasonCode = "public-address-changes"
	SlowVolume     ReasonCode = "slow-volume"
	DedicatedHost  ReasonCode = "dedicated-host"
	// KeyUnseen and QuotaUnseen: what could keep it from being started again could not be looked at.
	KeyUnseen   ReasonCode = "key-unseen"
	QuotaUnseen ReasonCode = "quota-unseen"
	// The others are known only once they have happened; no plan can skip for them.
	ForcedStop   ReasonCode = "stopped-by-force"
	StartedEarly ReasonCode = "started-meanwhile"
	StoppedSince ReasonCode = "stopped-meanwhile"
	// OutOfService: it was not back in its group's service when the job ended.
	OutOfService ReasonCode = "out-of-service"
	// Replaced: its group launches another member while it is out of service, and terminates one afterwards.
	Replaced ReasonCode = "member-replaced"
	// AfterFailed: the plan's command after has failed, or could not be run.
	AfterFailed ReasonCode = "hook-after-failed"
	// TestLeft is no reason to skip: it is found out when the image is there.
	TestLeft ReasonCode = "test-instance-left"
	// KeptVolumes is about the image and not about the source.
	KeptVolumes ReasonCode = "volumes-at-termination"
	// BreakerExempt: another source is down, and a person has exempted it from keeping others from being stopped.
	BreakerExempt ReasonCode = "breaker-exempt"
	// RequestLeft is no reason to skip either: the run has answered a request whose tag it cannot take off.
	RequestLeft ReasonCode = "request-tag-left"
)

// NameOwned is a warning of an image that was made and not rolled under its source's name, since another lineage has
// that.
const NameOwned ReasonCode = "name-owned"

// Uncopied is a warning of an image that keeps its snapshot from being deleted.
const Uncopied ReasonCode = "not-copied"

// Evidence is a warning of an image of a snapshot: what is not known of it.
const Evidence ReasonCode = "snapshot-evidence"

// Warnings of an image that does not hold all of its source's volumes, or holds one that it should not.
const (
	// VolumesLeftOut names the volumes that are left out.
	VolumesLeftOut ReasonCode = "volumes-left-out"
	// RootStays: the plan names the root's device, or its volume is tagged, and the root is in the image all the same.
	RootStays ReasonCode = "root-not-left-out"
	// NotLeftOut: EC2 has made a snapshot of what it was told to leave out.
	NotLeftOut ReasonCode = "snapshot-of-left-out"
)

// LeftRaw is a warning of an image that is not rolled: its plan wants general images, and none is made of its source.
const LeftRaw ReasonCode = "left-raw"

// PinnedGroup is a warning that comes after the image: a group goes on launching the old one.
const PinnedGroup ReasonCode = "pinned-group"

// KeyNotShared is a warning of an image that is shared with accounts which may not use its key.
const KeyNotShared ReasonCode = "key-not-shared"

// MarketplaceProduct is a warning of an image that is shared and carries the code of a product of AWS Marketplace.
const MarketplaceProduct ReasonCode = "marketplace-product"

// KeyNotForGroups is a warning of an image that Auto Scaling groups are to launch, and whose key does not let them.
const KeyNotForGroups ReasonCode = "key-not-for-groups"

// GroupsUnseen is a warning of an image of which it is not known whether Auto Scaling groups can launch it.
const GroupsUnseen ReasonCode = "groups-unseen"

// Encrypted is a note: a volume of the source is encrypted.
const Encrypted ReasonCode = "encrypted"

// SharingUnseen is a warning of an image of which it is not known whether all it is shared with can launch it.
const SharingUnseen ReasonCode = "sharing-unseen"
