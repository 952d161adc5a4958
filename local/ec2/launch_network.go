package ec2

import (
	"net/netip"
	"strings"

	"goldsmith/local/query"
)

// launchNetwork is where a launch puts an instance.
type launchNetwork struct {
	placed    subnet
	groups    []securityGroup
	privateIP string
	public    bool
}

// readNetwork reads the network of a launch.
func (w *World) readNetwork(p *query.Params) (n launchNetwork, err error) {
	place, err := networkParams(p)
	if err != nil {
		return n, err
	}
	if n.placed, err = w.network.place(place.Text("SubnetId"), p.Text("Placement.AvailabilityZone")); err != nil {
		return n, err
	}
	if n.groups, err = w.groupsNamed(place.Texts("SecurityGroupId"), p.Texts("SecurityGroup")); err != nil {
		return n, err
	}
	if n.privateIP = place.Text("PrivateIpAddress"); n.privateIP != "" {
		if err := w.addressFree(n.privateIP, n.placed, p.Int("MaxCount")); err != nil {
			return n, err
		}
	}
	// Instances in a default subnet get a public address unless told otherwise.
	n.public = !place.Has("AssociatePublicIpAddress") || place.Bool("AssociatePublicIpAddress")
	return n, nil
}

// networkParams are where a launch says its network: parameters of the instance, or those of its
// first network interface, never both (aws/aws-cli#809, #518; hashicorp/terraform#687).
func networkParams(p *query.Params) (*query.Params, error) {
	interfaces := p.List("NetworkInterface")
	if len(interfaces) == 0 {
		return p, nil
	}
	for field, what := range map[string]string{
		"SubnetId": "subnet ID", "PrivateIpAddress": "private IP address",
		"SecurityGroupId": "security groups", "SecurityGroup": "security groups",
	} {
		if p.Has(field) {
			return nil, query.Errorf("InvalidParameterCombination",
				"Network interfaces and an instance-level %s may not be specified on the same request", what)
		}
	}
	first := interfaces[0]
	if len(interfaces) > 1 || first.Int("DeviceIndex") != 0 {
		return nil, query.Errorf("UnsupportedOperation",
			"The embedded EC2 gives an instance one network interface, of device index 0.")
	}
	return first, nil
}

// groupsNamed finds security groups by id and by name; none named is the default one.
func (w *World) groupsNamed(ids, names []string) ([]securityGroup, error) {
	var groups []securityGroup
	for _, id := range ids {
		if !strings.HasPrefix(id, "sg-") {
			return nil, query.Errorf("InvalidGroupId.Malformed", "Invalid id: \"%s\" (expecting \"sg-...\")", id)
		}
		g, ok := w.network.groupOf(func(g securityGroup) bool { return g.id == id })
		if !ok {
			return nil, query.Errorf("InvalidGroup.NotFound", "The security group '%s' does not exist", id)
		}
		groups = append(groups, g)
	}
	for _, name := range names {
		g, ok := w.network.groupOf(func(g securityGroup) bool { return g.name == name })
		if !ok {
			return nil, query.Errorf("InvalidGroup.NotFound", "The security group '%s' does not exist in default VPC '%s'",
				name, w.network.vpc)
		}
		groups = append(groups, g)
	}
	if len(groups) == 0 {
		groups = w.network.groups[:1]
	}
	return groups, nil
}

// addressFree holds that a launch may have a private address: one instance, within the subnet, and of no other's
// (API reference, RunInstances; JamesWoolfenden/terraform-aws-cassandra#18; aws/aws-cli#7178). The words of the first
// are unverified.
func (w *World) addressFree(address string, in subnet, count int) error {
	ip, err := netip.ParseAddr(address)
	of, bad := netip.ParsePrefix(in.cidr)
	switch {
	case count > 1:
		return query.Errorf("InvalidParameterCombination", "A private IP address cannot be given to more than one instance")
	case err != nil:
		return query.Errorf("InvalidParameterValue", "Value (%s) for parameter privateIpAddress is invalid.", address)
	case bad != nil || !of.Contains(ip):
		return query.Errorf("InvalidParameterValue", "Address %s does not fall within the subnet's address range", address)
	}
	for _, i := range w.instances.present {
		if i.privateIP == address && i.state != Terminated {
			return query.Errorf("InvalidIPAddress.InUse", "Address %s is in use.", address)
		}
	}
	return nil
}
