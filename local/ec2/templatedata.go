package ec2

import (
	"maps"
	"net/url"
	"strings"

	"goldsmith/local/query"
)

// templateData is a launch template's content as a request gives it: every
// value under its dotted path. Nothing that a client sends is lost, known to
// the World or not.
type templateData map[string]string

func readTemplateData(p *query.Params) templateData {
	return maps.Collect(p.At("LaunchTemplateData").Leaves())
}

// over lays the data over a source version: a field given anew replaces the
// source's whole field, and snapshots in the source's block device mappings
// are not inherited (API reference, CreateLaunchTemplateVersion).
func (d templateData) over(source templateData) templateData {
	given := map[string]bool{}
	for path := range d {
		given[topField(path)] = true
	}
	merged := maps.Clone(d)
	for path, value := range source {
		inherited := topField(path) == "BlockDeviceMapping" && strings.HasSuffix(path, ".Ebs.SnapshotId")
		if !given[topField(path)] && !inherited {
			merged[path] = value
		}
	}
	return merged
}

func topField(path string) string {
	top, _, _ := strings.Cut(path, ".")
	return top
}

func (d templateData) params() *query.Params {
	form := make(url.Values, len(d))
	for path, value := range d {
		form.Set(path, value)
	}
	params, err := query.ParseForm(form.Encode())
	if err != nil {
		return nil // Paths come from a parsed request, so they always parse.
	}
	return params
}

// A field is answered under its request name with a small first letter, but
// for lists, which have names of their own (API reference,
// RequestLaunchTemplateData against ResponseLaunchTemplateData). Keys are
// request names without list numbers.
var templateLists = map[string]string{
	"BlockDeviceMapping":                                            "blockDeviceMappingSet",
	"NetworkInterface":                                              "networkInterfaceSet",
	"NetworkInterface.SecurityGroupId":                              "groupSet",
	"NetworkInterface.Ipv6Addresses":                                "ipv6AddressesSet",
	"NetworkInterface.PrivateIpAddresses":                           "privateIpAddressesSet",
	"NetworkInterface.Ipv4Prefix":                                   "ipv4PrefixSet",
	"NetworkInterface.Ipv6Prefix":                                   "ipv6PrefixSet",
	"TagSpecification":                                              "tagSpecificationSet",
	"TagSpecification.Tag":                                          "tagSet",
	"ElasticGpuSpecification":                                       "elasticGpuSpecificationSet",
	"ElasticInferenceAccelerator":                                   "elasticInferenceAcceleratorSet",
	"SecurityGroupId":                                               "securityGroupIdSet",
	"SecurityGroup":                                                 "securityGroupSet",
	"LicenseSpecification":                                          "licenseSet",
	"SecondaryInterface":                                            "secondaryInterfaceSet",
	"SecondaryInterface.PrivateIpAddress":                           "privateIpAddressesSet",
	"InstanceRequirements.CpuManufacturer":                          "cpuManufacturerSet",
	"InstanceRequirements.ExcludedInstanceType":                     "excludedInstanceTypeSet",
	"InstanceRequirements.AllowedInstanceType":                      "allowedInstanceTypeSet",
	"InstanceRequirements.InstanceGeneration":                       "instanceGenerationSet",
	"InstanceRequirements.LocalStorageType":                         "localStorageTypeSet",
	"InstanceRequirements.AcceleratorType":                          "acceleratorTypeSet",
	"InstanceRequirements.AcceleratorManufacturer":                  "acceleratorManufacturerSet",
	"InstanceRequirements.AcceleratorName":                          "acceleratorNameSet",
	"InstanceRequirements.BaselinePerformanceFactors.Cpu.Reference": "referenceSet",
}

// templateItems are the lists whose elements are not called item.
var templateItems = map[string]string{"NetworkInterface.SecurityGroupId": "groupId"}

func writeTemplateData(out *query.Writer, d templateData) {
	out.Element("launchTemplateData", func() { writeFields(out, d.params(), "") })
}

func writeFields(out *query.Writer, p *query.Params, prefix string) {
	for _, field := range p.Fields() {
		writeField(out, p.At(field), field, prefix+field)
	}
}

func writeField(out *query.Writer, p *query.Params, field, path string) {
	list, isList := templateLists[path]
	switch {
	case isList:
		out.Element(list, func() {
			for _, element := range p.List("") {
				writeNode(out, element, orElse(templateItems[path], "item"), path)
			}
		})
	default:
		writeNode(out, p, strings.ToLower(field[:1])+field[1:], path)
	}
}

func writeNode(out *query.Writer, p *query.Params, name, path string) {
	if p.Leaf() {
		out.Text(name, p.Text(""))
		return
	}
	out.Element(name, func() { writeFields(out, p, path+".") })
}
