package ec2

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"goldsmith/local/query"
)

// instanceOptions are settings that a launch takes, a describe shows, and nothing else here
// depends on: each value under its path in RunInstances.
type instanceOptions map[string]string

// optionGroups are the structures of RunInstances that hold such settings, and the structure
// of DescribeInstances that shows them, with the defaults of the API reference. A member
// without a default is shown when it was given.
var optionGroups = []struct {
	asked, shown string
	members      [][2]string
}{
	{"CpuOptions", "cpuOptions", [][2]string{{"CoreCount", ""}, {"ThreadsPerCore", ""}}},
	{"CapacityReservationSpecification", "capacityReservationSpecification",
		[][2]string{{"CapacityReservationPreference", "open"}}},
	{"MetadataOptions", "metadataOptions", [][2]string{
		{"HttpTokens", "optional"}, {"HttpPutResponseHopLimit", "1"}, {"HttpEndpoint", "enabled"},
		{"HttpProtocolIpv6", "disabled"}, {"InstanceMetadataTags", "disabled"},
	}},
	{"EnclaveOptions", "enclaveOptions", [][2]string{{"Enabled", "false"}}},
	{"MaintenanceOptions", "maintenanceOptions", [][2]string{{"AutoRecovery", "default"}, {"RebootMigration", "default"}}},
	{"PrivateDnsNameOptions", "privateDnsNameOptions", [][2]string{
		{"HostnameType", "ip-name"}, {"EnableResourceNameDnsARecord", "false"}, {"EnableResourceNameDnsAAAARecord", "false"},
	}},
	{"NetworkPerformanceOptions", "networkPerformanceOptions", [][2]string{{"BandwidthWeighting", "default"}}},
	{"Placement", "", [][2]string{{"Tenancy", "default"}}},
}

// optionWords are the words that some of the settings are (API reference).
var optionWords = map[string][]string{
	"CapacityReservationSpecification.CapacityReservationPreference": {"open", "none", "capacity-reservations-only"},
	"MetadataOptions.HttpTokens":                                     {"optional", "required"},
	"MetadataOptions.HttpEndpoint":                                   {"enabled", "disabled"},
	"MetadataOptions.HttpProtocolIpv6":                               {"enabled", "disabled"},
	"MetadataOptions.InstanceMetadataTags":                           {"enabled", "disabled"},
	"MaintenanceOptions.AutoRecovery":                                {"default", "disabled"},
	"MaintenanceOptions.RebootMigration":                             {"default", "disabled"},
	"PrivateDnsNameOptions.HostnameType":                             {"ip-name", "resource-name"},
	"NetworkPerformanceOptions.BandwidthWeighting":                   {"default", "vpc-1", "ebs-1"},
	"Placement.Tenancy":                                              {"default", "dedicated", "host"},
}

// maxHops is the largest HttpPutResponseHopLimit (API reference, InstanceMetadataOptionsRequest).
const maxHops = 64

// readOptions are the settings that a launch gives.
func readOptions(p *query.Params) (instanceOptions, error) {
	given := instanceOptions{}
	for _, g := range optionGroups {
		for _, m := range g.members {
			path := g.asked + "." + m[0]
			if !p.Has(path) {
				continue
			}
			if err := optionAllowed(path, m[0], p); err != nil {
				return nil, err
			}
			given[path] = p.Text(path)
		}
	}
	return given, nil
}

// optionAllowed holds a setting to its words or its range. EC2's own words are unverified.
func optionAllowed(path, member string, p *query.Params) error {
	words, hops := optionWords[path], 1
	if member == "HttpPutResponseHopLimit" {
		hops = p.Int(path)
	}
	if len(words) > 0 && !slices.Contains(words, p.Text(path)) || hops < 1 || hops > maxHops {
		return query.Errorf("InvalidParameterValue", "Value (%s) for parameter %s is invalid.", p.Text(path), member)
	}
	return nil
}

// over lays the settings over others.
func (o instanceOptions) over(defaults instanceOptions) instanceOptions {
	all := maps.Clone(defaults)
	maps.Copy(all, o)
	return all
}

// defaults are what an instance of the type, launched from the image, has unless told
// otherwise. An image that says v2.0 sets two of them (API reference, RegisterImage).
func (t *instanceType) defaults(img *image) instanceOptions {
	all := instanceOptions{}
	for _, g := range optionGroups {
		for _, m := range g.members {
			if m[1] != "" {
				all[g.asked+"."+m[0]] = m[1]
			}
		}
	}
	all["CpuOptions.CoreCount"], all["CpuOptions.ThreadsPerCore"] = strconv.Itoa(t.cores), strconv.Itoa(t.cpus/t.cores)
	if img.imds == "v2.0" {
		all["MetadataOptions.HttpTokens"], all["MetadataOptions.HttpPutResponseHopLimit"] = "required", "2"
	}
	return all
}

func (o instanceOptions) write(out *query.Writer) {
	for _, g := range optionGroups {
		if g.shown == "" {
			continue
		}
		out.Element(g.shown, func() {
			if g.asked == "MetadataOptions" {
				out.Text("state", "applied")
			}
			for _, m := range g.members {
				out.Optional(strings.ToLower(m[0][:1])+m[0][1:], o[g.asked+"."+m[0]])
			}
		})
	}
}
