package ec2

import (
	"fmt"
	"slices"
	"strings"

	"goldsmith/local/draw"
	"goldsmith/local/query"
)

// network is the default VPC that every account starts with: one default
// subnet in each of three zones and the default security group.
type network struct {
	vpc     string
	cidr    string
	subnets []subnet
	groups  []securityGroup // the default one first
}

type subnet struct {
	id, vpc, zone, zoneID, cidr string
}

type securityGroup struct{ id, name, description string }

func (n *network) groupOf(is func(securityGroup) bool) (securityGroup, bool) {
	at := slices.IndexFunc(n.groups, is)
	if at < 0 {
		return securityGroup{}, false
	}
	return n.groups[at], true
}

func defaultNetwork(region, account string) network {
	d := draw.Of(0, "network", region, account)
	n := network{vpc: fmt.Sprintf("vpc-0%016x", d.Number()), cidr: "172.31.0.0/16"}
	n.groups = []securityGroup{{fmt.Sprintf("sg-0%016x", d.Of("group").Number()), "default", "default VPC security group"}}
	for i, letter := range []string{"a", "b", "c"} {
		n.subnets = append(n.subnets, subnet{
			id: fmt.Sprintf("subnet-0%016x", d.Of("subnet", letter).Number()), vpc: n.vpc,
			zone: region + letter, zoneID: fmt.Sprintf("%s-az%d", zonePrefix(region), i+1),
			cidr: fmt.Sprintf("172.31.%d.0/20", i*16),
		})
	}
	return n
}

// DefaultSubnet is the id of the account's default subnet in the Region's first zone.
func DefaultSubnet(region, account string) string {
	return defaultNetwork(region, account).subnets[0].id
}

// DefaultVPC is the id of the account's default VPC in the Region.
func DefaultVPC(region, account string) string { return defaultNetwork(region, account).vpc }

// zonePrefix shortens a Region as zone ids do: eu-west-1 is euw1.
func zonePrefix(region string) string {
	parts := strings.Split(region, "-")
	if len(parts) < 3 {
		return region
	}
	short := parts[0]
	for _, p := range parts[1 : len(parts)-1] {
		short += p[:1]
	}
	return short + parts[len(parts)-1]
}

// place finds the subnet for a launch: the one named, the one of the zone, or the first.
func (n *network) place(subnetID, zone string) (subnet, error) {
	for _, s := range n.subnets {
		if subnetID == s.id && zone != "" && zone != s.zone {
			// InQuicker/kaws#11.
			return subnet{}, query.Errorf("InvalidParameterValue", "Value (%s) for parameter availabilityZone is invalid. "+
				"Subnet '%s' is in the availability zone %s", zone, s.id, s.zone)
		}
		if subnetID == s.id || subnetID == "" && (zone == s.zone || zone == "") {
			return s, nil
		}
	}
	if subnetID != "" {
		return subnet{}, query.Errorf("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", subnetID)
	}
	return subnet{}, query.Errorf("InvalidParameterValue", "Invalid availability zone: [%s]", zone)
}

func (w *World) privateAddress(id string, s subnet) string {
	h := w.draw("private-ip", id).Number()
	var third int
	_, _ = fmt.Sscanf(s.cidr, "172.31.%d.", &third) // Our own subnets always have this form.
	return fmt.Sprintf("172.31.%d.%d", third+int(h%16), 4+(h>>8)%250)
}

func (w *World) publicAddress(id string) string {
	h := w.draw("public-ip", id).Number()
	return fmt.Sprintf("%d.%d.%d.%d", 34+h%20, (h>>8)%256, (h>>16)%256, 1+(h>>24)%254)
}

func privateName(i *instance, region string) string {
	if i.state == Terminated {
		return ""
	}
	return "ip-" + strings.ReplaceAll(i.privateIP, ".", "-") + "." + region + ".compute.internal"
}

func publicName(i *instance, region string) string {
	if i.publicIP == "" || i.state == Terminated {
		return ""
	}
	return "ec2-" + strings.ReplaceAll(i.publicIP, ".", "-") + "." + region + ".compute.amazonaws.com"
}

func writeGroups(out *query.Writer, groups []securityGroup) {
	query.Items(out, "groupSet", groups, func(g securityGroup) {
		out.Text("groupId", g.id)
		out.Text("groupName", g.name)
	})
}

func (w *World) writeInterfaces(out *query.Writer, i *instance) {
	if i.state == Terminated {
		out.Element("networkInterfaceSet", func() {})
		return
	}
	tail := i.id[2:]
	query.Items(out, "networkInterfaceSet", []*instance{i}, func(i *instance) {
		out.Text("networkInterfaceId", "eni-"+tail)
		out.Text("subnetId", i.placed.id)
		out.Text("vpcId", i.placed.vpc)
		out.Text("description", "")
		out.Text("ownerId", w.options.Account)
		out.Text("status", "in-use")
		out.Text("macAddress", fmt.Sprintf("06:%s:%s:%s:%s:%s", tail[1:3], tail[3:5], tail[5:7], tail[7:9], tail[9:11]))
		out.Text("privateIpAddress", i.privateIP)
		out.Text("privateDnsName", privateName(i, w.options.Region))
		out.Bool("sourceDestCheck", true)
		out.Text("interfaceType", "interface")
		writeGroups(out, i.groups)
		out.Element("attachment", func() {
			out.Text("attachmentId", "eni-attach-"+tail)
			out.Int("deviceIndex", 0)
			out.Int("networkCardIndex", 0)
			out.Text("status", "attached")
			out.Time("attachTime", i.times.Launched)
			out.Bool("deleteOnTermination", true)
		})
		w.writeAssociation(out, i)
		query.Items(out, "privateIpAddressesSet", []*instance{i}, func(i *instance) {
			out.Text("privateIpAddress", i.privateIP)
			out.Bool("primary", true)
			w.writeAssociation(out, i)
		})
	})
}

// writeAssociation says whose the public address is: "amazon" for an
// auto-assigned one, the account for an Elastic IP (API reference,
// InstanceNetworkInterfaceAssociation).
func (w *World) writeAssociation(out *query.Writer, i *instance) {
	if i.publicIP == "" {
		return
	}
	owner := "amazon"
	if i.elasticIP != "" {
		owner = w.options.Account
	}
	out.Element("association", func() {
		out.Text("publicIp", i.publicIP)
		out.Text("publicDnsName", publicName(i, w.options.Region))
		out.Text("ipOwnerId", owner)
	})
}
