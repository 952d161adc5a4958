package ec2

import (
	"time"

	"goldsmith/local/query"
)

// State is an instance's state with EC2's own codes.
type State int

// The states of an instance and their codes (API reference, InstanceState).
const (
	Pending      State = 0
	Running      State = 16
	ShuttingDown State = 32
	Terminated   State = 48
	Stopping     State = 64
	Stopped      State = 80
)

func (s State) String() string {
	switch s {
	case Pending:
		return "pending"
	case Running:
		return "running"
	case ShuttingDown:
		return "shutting-down"
	case Terminated:
		return "terminated"
	case Stopping:
		return "stopping"
	case Stopped:
		return "stopped"
	}
	return "unknown"
}

type reason struct{ code, message string }

const (
	rootEBS           = "ebs"
	rootInstanceStore = "instance-store"
)

type instance struct {
	id          string
	reservation string
	index       int
	token       string
	imageID     string
	typ         string
	key         string
	profile     string
	launched    time.Time
	placed      subnet
	groups      []securityGroup

	state      State
	transition string // StateTransitionReason
	reason     reason
	ranAt      time.Time // in state running since then
	healthyAt  time.Time // both status checks pass from then on
	impaired   bool      // ... unless its instance status check fails
	quietUntil time.Time // while it reboots it writes nothing
	step       int       // counts state changes, so that what was planned for an older one is void

	architecture, virtualization, bootMode string
	platform, platformDetails, usage       string
	products                               []string // codes of products of AWS Marketplace
	rootType, rootName                     string
	ena                                    bool
	sriov, tpm, imds, uefiData             string
	devices                                []attachment

	lifecycle string // "spot" or empty
	spotID    string

	privateIP, publicIP string
	wantsPublic         bool
	elasticIP           string

	monitoring, ebsOptimized bool
	hibernation              bool
	stopProtected            bool
	terminationProtected     bool
	shutdownBehavior         string
	userData                 string
	options                  instanceOptions

	times Times
	tags  []Tag
}

// attachment is a block device of an instance: an EBS volume.
type attachment struct {
	device              string
	volumeID            string
	attached            time.Time
	deleteOnTermination bool
}

// live tells whether an operating system may be writing to the volumes.
func (i *instance) live(now time.Time) bool {
	return i.state != Stopped && i.state != Terminated && !now.Before(i.quietUntil)
}

func (i *instance) isSpot() bool { return i.lifecycle == "spot" }

func (w *World) writeInstance(out *query.Writer, i *instance) {
	out.Text("instanceId", i.id)
	out.Text("imageId", i.imageID)
	out.Element("instanceState", func() { writeState(out, i.state) })
	out.Text("privateDnsName", privateName(i, w.options.Region))
	out.Text("dnsName", publicName(i, w.options.Region))
	out.Text("reason", i.transition)
	out.Optional("keyName", i.key)
	out.Int("amiLaunchIndex", i.index)
	writeProducts(out, i.products)
	out.Text("instanceType", i.typ)
	out.Time("launchTime", i.launched)
	out.Element("placement", func() {
		out.Text("availabilityZone", i.placed.zone)
		out.Text("availabilityZoneId", i.placed.zoneID)
		out.Text("groupName", "")
		out.Text("tenancy", i.options["Placement.Tenancy"])
	})
	out.Optional("platform", i.platform)
	out.Element("monitoring", func() { out.Text("state", monitoringState(i.monitoring)) })
	if i.state != Terminated {
		out.Text("subnetId", i.placed.id)
		out.Text("vpcId", i.placed.vpc)
		out.Text("privateIpAddress", i.privateIP)
		out.Optional("ipAddress", i.publicIP)
		out.Bool("sourceDestCheck", true)
		writeGroups(out, i.groups)
	}
	w.writeInstanceMachine(out, i)
	w.writeInterfaces(out, i)
	writeTags(out, i.tags)
}

func (w *World) writeInstanceMachine(out *query.Writer, i *instance) {
	if i.reason.code != "" {
		out.Element("stateReason", func() {
			out.Text("code", i.reason.code)
			out.Text("message", i.reason.message)
		})
	}
	out.Text("architecture", i.architecture)
	out.Text("rootDeviceType", i.rootType)
	out.Optional("rootDeviceName", i.rootName)
	query.Items(out, "blockDeviceMapping", i.devices, func(a attachment) { writeAttachment(out, a) })
	out.Text("virtualizationType", i.virtualization)
	out.Optional("instanceLifecycle", i.lifecycle)
	out.Optional("spotInstanceRequestId", i.spotID)
	out.Text("clientToken", i.token)
	out.Text("hypervisor", "xen") // EC2 says xen for Nitro too (API reference, Instance).
	if i.profile != "" {
		out.Element("iamInstanceProfile", func() {
			out.Text("arn", i.profile)
			out.Text("id", "AIPA"+i.id[2:])
		})
	}
	out.Bool("ebsOptimized", i.ebsOptimized)
	out.Bool("enaSupport", i.ena)
	out.Optional("sriovNetSupport", i.sriov)
	out.Optional("tpmSupport", i.tpm)
	out.Element("hibernationOptions", func() { out.Bool("configured", i.hibernation) })
	i.options.write(out)
	out.Optional("bootMode", i.bootMode)
	out.Text("platformDetails", i.platformDetails)
	out.Text("usageOperation", i.usage)
	out.Time("usageOperationUpdateTime", i.times.Launched)
	out.Optional("currentInstanceBootMode", currentBootMode(i))
}

func writeAttachment(out *query.Writer, a attachment) {
	out.Text("deviceName", a.device)
	out.Element("ebs", func() {
		out.Text("volumeId", a.volumeID)
		out.Text("status", "attached")
		out.Time("attachTime", a.attached)
		out.Bool("deleteOnTermination", a.deleteOnTermination)
	})
}

func writeState(out *query.Writer, s State) {
	out.Int("code", int(s))
	out.Text("name", s.String())
}

func monitoringState(on bool) string {
	if on {
		return "enabled"
	}
	return "disabled"
}
