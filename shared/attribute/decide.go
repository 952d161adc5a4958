package attribute

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/tag"
)

// Attribute is a decided attribute.
type Attribute struct {
	Key   Key    `json:"key"`
	Value string `json:"value"`
	// Source says who says so.
	Source string `json:"source"`
}

// Refusal is why no image is registered.
type Refusal struct {
	Code string `json:"code"`
	// Text is what is the matter, Do what to do now.
	Text string `json:"text"`
	Do   string `json:"do,omitempty"`
}

// The codes of refusals.
const (
	NotReady      = "snapshot-not-completed"
	NotRoot       = "not-a-root-volume"
	Unreadable    = "disk-unreadable"
	WrongSetting  = "wrong-setting"
	Contradiction = "contradiction"
	Unknown       = "unknown-setting"
	Paravirtual   = "paravirtual"
	Untestable    = "no-type-to-test-on"
)

// Decision is what would be registered, or why not.
type Decision struct {
	Snapshot   string      `json:"snapshot"`
	Attributes []Attribute `json:"attributes"`
	// Data are the data volumes.
	Data []Volume `json:"data,omitempty"`
	// Notes are what to know besides.
	Notes []string `json:"notes,omitempty"`
	// Refused is nil when an image would be registered.
	Refused *Refusal `json:"refused,omitempty"`
}

// Value is an attribute's; "" when no evidence says it.
func (d Decision) Value(k Key) string { return d.attribute(k).Value }

func (d Decision) attribute(k Key) Attribute {
	n := slices.IndexFunc(d.Attributes, func(a Attribute) bool { return a.Key == k })
	if n < 0 {
		return Attribute{}
	}
	return d.Attributes[n]
}

// Decide decides every attribute from the evidence.
func Decide(e Evidence) Decision {
	d := &decider{Evidence: e, Decision: Decision{Snapshot: aws.ToString(e.Snapshot.SnapshotId)}}
	for _, step := range []func() *Refusal{d.ready, d.rootVolume, d.settings, d.believe, d.collect, d.billed, d.windows,
		d.licensed, d.checkDisk, d.missing, d.checkTogether, d.dataVolumes} {
		if d.Refused = step(); d.Refused != nil {
			break
		}
	}
	d.note()
	return d.Decision
}

// decider is a decision being made.
type decider struct {
	Evidence
	Decision
	set []statement // what people say, the strongest first
}

func refuse(code, do, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Text: fmt.Sprintf(format, args...), Do: do}
}

func (d *decider) ready() *Refusal { return unready(d.Evidence.Snapshot) }

// unready is why a snapshot can neither be read nor copied as it is; nil when it can. An archived one that is restored
// for some days says until when.
func unready(s types.Snapshot) *Refusal {
	switch {
	case s.State != types.SnapshotStateCompleted:
		return refuse(NotReady, "Wait until it is completed, then ask again.", "the snapshot is %s", s.State)
	case s.StorageTier == types.StorageTierArchive && s.RestoreExpiryTime == nil:
		return refuse(NotReady, "Restore it, and ask again once it is: aws ec2 restore-snapshot-tier --permanent-restore "+
			"--snapshot-id "+aws.ToString(s.SnapshotId), "the snapshot is archived")
	}
	return nil
}

// rootVolume: a disk that nothing starts from is refused whatever else is said of it. One that could
// not be read is a root volume only if AWS says so.
func (d *decider) rootVolume() *Refusal {
	switch {
	case d.leftover():
		return nil
	case d.Disk != nil && d.Disk.Boots() == nil:
		return refuse(NotRoot, "Name the snapshot of the root volume.", "it is no root volume: %s", d.Disk.Refusal())
	case d.Disk != nil || d.knownRoot():
		return nil
	}
	return refuse(Unreadable, reading,
		"its disk was not read (%s), and no AMI or instance says that it is a root volume", d.Unread)
}

// leftover reports whether nothing but what may be left over from a system that was there starts the disk.
func (d *decider) leftover() bool { return d.Disk != nil && d.Disk.Doubtful() }

// believe: boot code or a loader that may be left over from a system that was there is believed where the instance has
// the volume at its root device, an image names this snapshot as its root, or who asks says of this disk how it starts.
func (d *decider) believe() *Refusal {
	if !d.leftover() {
		return nil
	}
	start := slices.ContainsFunc(d.Settings, func(s Settings) bool {
		parsed, err := s.Parse()
		return err == nil && !s.Common && parsed[BootMode] != "" && parsed[BootMode] != none
	})
	names := slices.ContainsFunc(d.Images, func(i Image) bool {
		root := i.root()
		return root != nil && aws.ToString(root.SnapshotId) == d.Decision.Snapshot
	})
	doubted, believed := d.Disk, d.Disk.Believed()
	d.Disk = &believed
	if start || names || d.Instance != nil && d.Instance.Has {
		return nil
	}
	modes := d.modes(believed.Boots().Architectures[:1])
	says := d.command([]string{string(BootMode) + "=" + modes[len(modes)-1]})
	return refuse(Unknown, "Name the snapshot of the root volume. Is this one after all? "+says,
		"it may be no root volume: %s: what would start it may be left over from a system that was there", doubted)
}

func (d *decider) knownRoot() bool {
	return d.Instance != nil && d.Instance.Root ||
		slices.ContainsFunc(d.Images, func(i Image) bool { return i.foreign(d.Evidence.Snapshot) == "" })
}

func (d *decider) settings() *Refusal {
	for _, s := range d.Settings {
		parsed, err := s.Parse()
		if err != nil {
			return refuse(WrongSetting, "Correct it, then ask again.", "%v", err)
		}
		d.set = append(d.set, said(parsed, s.Source)...)
	}
	return nil
}

// collect gives each attribute the first value that is said, and refuses where evidence differs on
// what cannot be two things.
func (d *decider) collect() *Refusal {
	evidence := append(d.statements(), d.ofDisk()...)
	for _, r := range keys {
		about := func(s statement) bool { return s.key == r.key }
		set := slices.IndexFunc(d.set, about)
		known := slices.DeleteFunc(slices.Clone(evidence), func(s statement) bool { return !about(s) })
		switch {
		case set >= 0:
			if refused := d.unchecked(r, d.set[set], known); refused != nil {
				return refused
			}
			d.take(d.set[set])
		case len(known) == 0:
			continue
		case r.agreed:
			if refused := r.differs(known); refused != nil {
				return refused
			}
			d.take(known[0])
		default:
			d.take(known[0])
		}
	}
	if v := d.attribute(Virtualization); v.Value == "paravirtual" {
		return refuse(Paravirtual, "Move the system to HVM first; no image of today's instance types is paravirtual.",
			"it is paravirtual, says %s", v.Source)
	}
	return nil
}

// unchecked: what people say of the disk's own nature against all that AWS says is held against the disk. Where that
// was not read nothing tells who is right.
func (d *decider) unchecked(r rule, set statement, known []statement) *Refusal {
	agrees := func(s statement) bool { return s.value == set.value }
	if !r.agreed || d.Disk != nil || len(known) == 0 || slices.ContainsFunc(known, agrees) {
		return nil
	}
	return refuse(Contradiction, "Take "+string(r.key)+" out of the settings, or have the disk read.",
		"%s is %s, says %s; it is %s, says %s; the disk, which would tell, was not read (%s)", r.key, set.value, set.source,
		known[0].value, known[0].source, d.Unread)
}

// reading is what it takes to read a disk.
const reading = "Reading takes ebs:ListSnapshotBlocks and ebs:GetSnapshotBlock on it and, if it is encrypted, " +
	"kms:Decrypt on its key."

func (r rule) differs(known []statement) *Refusal {
	for _, s := range known[1:] {
		if s.value != known[0].value {
			do := "Make the image from an instance: no setting decides it."
			if r.values != nil {
				do = "Say which is right: " + string(r.key) + "=" + r.hint + " in the tag " + tag.ImageSettings +
					" of the snapshot."
			}
			return refuse(Contradiction, do, "%s is %s, says %s; it is %s, says %s", r.key, known[0].value, known[0].source,
				s.value, s.source)
		}
	}
	return nil
}

func (d *decider) take(s statement) {
	d.Attributes = append(d.Attributes, Attribute{s.key, s.value, s.source})
}

// ofDisk are the disk's own statements, which come last, and what needs no evidence.
func (d *decider) ofDisk() (all []statement) {
	const source = "the disk"
	if d.Disk != nil {
		boots := d.Disk.Boots()
		all = append(all, statement{Virtualization, "hvm", source}) // What starts by itself needs no kernel of EC2's.
		if len(boots.Architectures) == 1 {
			all = append(all, statement{Architecture, string(boots.Architectures[0]), source})
		}
		if modes := d.modes(boots.Architectures); len(modes) > 0 {
			all = append(all, statement{BootMode, modes[len(modes)-1], source})
		}
	}
	return append(all,
		statement{VolumeSize, fmt.Sprint(aws.ToInt32(d.Evidence.Snapshot.VolumeSize)), "the snapshot"},
		statement{VolumeType, "gp3", "Goldsmith's default"}, // EC2's own is gp2, which costs more.
		statement{DeleteOnTermination, "true", "Goldsmith's default"})
}

// modes are those in which the disk starts on every one of the architectures.
func (d *decider) modes(on []types.ArchitectureValues) (modes []string) {
	boots := d.Disk.Boots()
	for _, m := range []types.BootModeValues{types.BootModeValuesLegacyBios, types.BootModeValuesUefi,
		types.BootModeValuesUefiPreferred} {
		if !slices.ContainsFunc(on, func(a types.ArchitectureValues) bool { return !slices.Contains(boots.Modes[a], m) }) {
			modes = append(modes, string(m))
		}
	}
	return modes
}

// missing refuses what no evidence says, with the command that says it.
func (d *decider) missing() *Refusal {
	var names, words []string
	for _, r := range keys {
		if r.needed && d.Value(r.key) == "" {
			names = append(names, string(r.key))
			words = append(words, string(r.key)+"=<"+r.hint+">")
		}
	}
	if len(names) == 0 {
		return nil
	}
	return refuse(Unknown, d.command(words), "nothing says %s", strings.Join(names, ", "))
}

// command says settings, those included that are there already.
func (d *decider) command(words []string) string {
	var all []string
	for _, s := range d.set {
		about := func(word string) bool { return strings.HasPrefix(word, string(s.key)+"=") }
		if s.source == SettingsTag && !slices.ContainsFunc(words, about) {
			all = append(all, string(s.key)+"="+s.value)
		}
	}
	return fmt.Sprintf(`Say it: aws ec2 create-tags --resources %s --tags 'Key=%s,Value="%s"'`,
		d.Decision.Snapshot, tag.ImageSettings, strings.Join(append(all, words...), " "))
}

// SettingsTag is the source of the settings that stand on the snapshot itself.
const SettingsTag = "the tag " + tag.ImageSettings
