package night_test

import (
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// macImage is an image that a Mac launches.
func (n *night) macImage() string {
	n.t.Helper()
	n.second = n.registered("mac", true, func(in *sdk.RegisterImageInput) {
		in.Architecture = types.ArchitectureValuesArm64Mac
	})
	return n.second
}

// scrubs has EC2 refuse to start what was just stopped on a Dedicated Host, which it scrubs first
// (docs.aws.amazon.com/AWSEC2/latest/UserGuide/mac-instance-stop.html: a Mac's for one to three hours).
func (n *night) scrubs(id, code string, long time.Duration) {
	n.t.Helper()
	n.after("stop", id, func(work) {
		n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: id, Code: code, Until: time.Now().Add(long)})
	})
}

// What runs on a Dedicated Host is told of before, and waited for as long as EC2 scrubs its host. The rest of its plan
// does not wait for it.
func TestHostsAreScrubbed(t *testing.T) {
	plans := nightly(func(p *plan.Plan) { p.Concurrency = 3; p.Window = plan.Duration(6 * time.Hour) })
	for name, c := range map[string]struct {
		words, code, told string
		long              time.Duration
	}{
		"a Mac":   {"mac2.metal", "InsufficientHostCapacity", "it is a Mac: EC2 scrubs its host", 3 * time.Hour},
		"a host":  {"m5.large", "InsufficientCapacityOnHost", "it runs on a Dedicated Host", 40 * time.Minute},
		"pending": {"m5.large", "InvalidHostState", "it runs on a Dedicated Host", 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, stack.Options{Plans: plans}, func(n *night) {
				words := "host private " + c.words
				if c.words == "mac2.metal" {
					words += " image=" + n.macImage()
				}
				scrubbed, web := n.launch("scrubbed", words), n.launch("web", "private")
				n.template("scrubbed", "scrubbed", "t3.micro", ec2.ImageX86)
				n.begin()
				n.scrubs(scrubbed, c.code, c.long)
				r := n.run()[0]
				for _, id := range []string{scrubbed, web} {
					n.want("ending of "+id, n.results(r)[id].Ending, job.Imaged)
					n.want("state of "+id, n.EC2.State(id), ec2.Running)
				}
				down := n.results(r)[scrubbed].Times.Downtime()
				if down < c.long || down > c.long+10*time.Minute {
					n.t.Errorf("down for %s, and its host is scrubbed for %s", down, c.long)
				}
				n.want("downtime of web is a calm night's", n.results(r)[web].Times.Downtime() < time.Minute, true)
				n.saysOf(r, string(job.DedicatedHost), c.told)
				n.noSlots()
			})
		})
	}
}

// noRoom is each code of EC2's page on error codes by which a start is refused that works once room is given back.
var noRoom = []string{
	"InsufficientInstanceCapacity", "InsufficientCapacity", "InsufficientHostCapacity", "InsufficientCapacityOnHost",
	"InsufficientReservedInstanceCapacity", "InsufficientReservedInstancesCapacity", "ReservedInstancesUnavailable",
	"ReservationCapacityExceeded", "InsufficientAddressCapacity", "InsufficientVolumeCapacity", "UnfulfillableCapacity",
	"InsufficientFreeAddressesInSubnet", "InvalidCapacityReservationState.PendingActivation", "InvalidHostState",
	"UnavailableHostRequirements", "IncompatibleHostRequirements", "HostLimitExceeded", "InstanceLimitExceeded",
	"VcpuLimitExceeded", "MaxSpotInstanceCountExceeded", "SpotMaxPriceTooLow", "MaxIOPSLimitExceeded",
	"VolumeLimitExceeded", "NetworkInterfaceLimitExceeded", "MaxScheduledInstanceCapacityExceeded",
	"ScheduledInstanceSlotNotOpen", "ScheduledInstanceSlotUnavailable",
}

// EC2 has no room for twenty minutes, by whatever name: it is waited for, and the image is made and rolled.
func TestNoRoomByAnyName(t *testing.T) {
	for _, code := range noRoom {
		t.Run(code, func(t *testing.T) {
			play(t, stack.Options{}, func(n *night) {
				web := n.launch("web", "")
				template := n.template("web", "web", "t3.micro", ec2.ImageX86)
				n.begin()
				n.after("stop", web, func(work) {
					n.EC2.Inject(ec2.Fault{Action: "StartInstances", Code: code, Until: time.Now().Add(20 * time.Minute)})
				})
				r := n.run()[0]
				got := n.results(r)[web]
				n.want("ending", got.Ending, job.Imaged)
				n.want("state", n.EC2.State(web), ec2.Running)
				n.want("launched", n.defaultImage(template), got.Image.ID)
				n.noSlots()
			})
		})
	}
}

// notNow is each code by which EC2 takes no more images or snapshots for the moment.
var notNow = []string{
	"ConcurrentCreateImageNoRebootLimitExceeded", "ConcurrentSnapshotLimitExceeded", "PendingSnapshotLimitExceeded",
	"SnapshotCreationPerVolumeRateExceeded", "ResourceLimitExceeded",
}

// EC2 takes no more images for five minutes, by whatever name: asked again, and the instance is back all the same.
func TestNoMoreImagesForTheMoment(t *testing.T) {
	for _, code := range notNow {
		t.Run(code, func(t *testing.T) {
			play(t, stack.Options{}, func(n *night) {
				web := n.launch("web", "")
				n.begin()
				n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: web, Code: code, Until: due.Add(5 * time.Minute)})
				r := n.run()[0]
				n.want("ending", n.results(r)[web].Ending, job.Imaged)
				n.want("state", n.EC2.State(web), ec2.Running)
			})
		})
	}
}

// A strict plan leaves it alone for that.
func TestAStrictPlanLeavesHostsAlone(t *testing.T) {
	play(t, stack.Options{Plans: nightly(func(p *plan.Plan) { p.Strict = true })}, func(n *night) {
		mac := n.launch("mac", "host private mac2.metal image="+n.macImage())
		r := n.run()[0]
		n.wasSkipped(r, mac, job.DedicatedHost)
		n.want("stops", len(n.stopsOf(mac)), 0)
	})
}
