// Package tag knows the keys of the tags Goldsmith reads and writes.
//
// EC2 compares tag keys case-sensitively and reserves the prefix "aws:";
// everything under Prefix is Goldsmith's.
package tag

// Prefix starts every key Goldsmith reads or writes.
const Prefix = "goldsmith:"

// Keys people set.
const (
	// Request, on an instance or a snapshot, asks for an image now. Its value is a plan's name,
	// or RequestDefault. The run removes it.
	Request = "goldsmith:image"
	// LeftOut is its value on a volume that is to be left out of images. Tools that copy a volume's tags put it on
	// snapshots, where it asks for nothing.
	LeftOut = "no"
	// Plan, on an instance, enrols it in a plan; on an image or snapshot it names the plan that made it.
	Plan = "goldsmith:plan"
	// Name, on an instance, names the source when tag Name or the id should not.
	Name = "goldsmith:name"
	// Keep, on an instance, replaces the plan's retention rules for its images; it is carried onto them.
	Keep = "goldsmith:keep"
	// ImageSettings, on a snapshot, says attributes of the image that is to be registered of it, such as
	// "rootDeviceName=/dev/xvda enaSupport=true".
	ImageSettings = "goldsmith:image-settings"
	// Device, on the snapshot of a data volume, is the device that the volume is to be at in an image that is registered
	// of the root volume's snapshot of the same set.
	Device = "goldsmith:device"
	// Source, on a launch template, subscribes it to a source's name; on an image or snapshot it
	// is the id of what the image was made from.
	Source = "goldsmith:source"
)

// Base is a launch template's: it says which version a new one is made from where that is not clear: default or latest.
const Base = "goldsmith:base"

// Group is what Auto Scaling puts on the members of a group. Only AWS writes keys that begin with "aws:".
const Group = "aws:autoscaling:groupName"

// Fleet and SpotFleet are what EC2 puts on the instances of an EC2 Fleet and of a Spot Fleet request.
const (
	Fleet     = "aws:ec2:fleet-id"
	SpotFleet = "aws:ec2spot:fleet-request-id"
)

// Keys only Goldsmith writes.
const (
	// Managed marks images and snapshots as Goldsmith's own: nothing else is ever retired.
	Managed = "goldsmith:managed"
	// Run, on an image or snapshot, is the name of the execution that made it.
	Run = "goldsmith:run"
	// BootTest marks the test instance of an image; its value is the name of the run that launched it.
	// Such an instance is Goldsmith's to terminate.
	BootTest = "goldsmith:proof"
	// Stopped, on an instance, names the execution that stops it, from before the stop until it is back; then it is
	// empty, and the sweep takes it off. It is a pointer only: package trace knows what it proves.
	Stopped = "goldsmith:stopped"
	// LastStop, on an instance, says which run of which plan was about to stop it last, and when: package bound reads it
	// when the ledger does not know the run.
	LastStop = "goldsmith:last-stop"
	// LastImage, on a source, is the image last made from it.
	LastImage = "goldsmith:last-image"
)

// RequestDefault is the value of Request that stands for the default plan.
const RequestDefault = "now"
