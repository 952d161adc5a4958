package plan

import "unicode/utf8"

// Generalize makes a second, general image of each instance that runs Linux, which is what is rolled, shared and
// copied: a clone is launched from the image of the instance as verify says, what is the instance's own is taken from
// it, and it is stopped, imaged and ended. The image of the instance itself stays, as the backup. It needs verify.boot
// and verify.profile.
type Generalize struct {
	// Enabled makes the general images. Default false.
	Enabled bool `json:"enabled,omitempty"`
	// Keep are items that stay on the clone, of those that docs/plans.md lists: ssh-host-keys. Default: none.
	Keep []Item `json:"keep,omitempty"`
	// Command is a shell command that is run on the clone before the items are taken from it, at most 1,000 characters.
	// Default: none.
	Command string `json:"command,omitempty"`
}

// Item is something that is an instance's own.
type Item string

// The items, as the script of package generalize has them.
const (
	ItemCloudInit   Item = "cloud-init"
	ItemMachineID   Item = "machine-id"
	ItemSSHHostKeys Item = "ssh-host-keys"
	ItemHostname    Item = "hostname"
	ItemDHCPLeases  Item = "dhcp-leases"
	ItemUdevNet     Item = "udev-net"
	ItemAgents      Item = "agents"
	ItemSystemdKey  Item = "credential-secret"
	ItemHistories   Item = "histories"
	ItemLogs        Item = "logs"
	ItemRandomSeed  Item = "random-seed"
	ItemTemporary   Item = "temporary"
)

// IsZero reports whether nothing is said of general images.
func (g Generalize) IsZero() bool { return !g.Enabled && len(g.Keep) == 0 && g.Command == "" }

// generalize is about general images.
func (c *checker) generalize(p Plan) {
	g := p.Generalize
	switch {
	case g.IsZero():
		return
	case !g.Enabled:
		c.add("generalize.enabled", "is false, so no general image is made: set it to true, or leave the rest of generalize "+
			"out")
	case p.Sources.OfSnapshots():
		c.add("generalize", "means nothing with sources.snapshots: general images are made of instances only")
	case !p.Verify.Boot:
		c.add("generalize", "needs verify.boot, which says where the clone is launched, and has the general image tested "+
			"before it is rolled")
	case p.Verify.Profile == "":
		c.add("generalize", "needs verify.profile: the clone takes commands from Systems Manager with its role only")
	}
	for i, each := range g.Keep {
		choice(c, item("generalize.keep", i, g.Keep), each, Items)
	}
	once(c, "generalize.keep", g.Keep)
	if n := utf8.RuneCountInString(g.Command); n > MaxCommand {
		c.add("generalize.command", "%d characters are more than %d: put it into the image as a script, and its name here", n,
			MaxCommand)
	}
	c.literal("generalize.command", g.Command)
}
