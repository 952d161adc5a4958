package ec2

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/query"
)

// enumerations are the words that members are, by their names in a request, after the name of what they are in where
// that decides. Lists have the singular here.
var enumerations = map[string][]string{
	"VolumeType":              texts(types.VolumeType("").Values()),
	"HttpEndpoint":            texts(types.InstanceMetadataEndpointState("").Values()),
	"HttpToken":               texts(types.HttpTokensState("").Values()),
	"Tenancy":                 texts(types.Tenancy("").Values()),
	"AcceleratorManufacturer": texts(types.AcceleratorManufacturer("").Values()),
	"AcceleratorName":         texts(types.AcceleratorName("").Values()),
	"AcceleratorType":         texts(types.AcceleratorType("").Values()),
	"BareMetal":               texts(types.BareMetal("").Values()),
	"BurstablePerformance":    texts(types.BurstablePerformance("").Values()),
	"CpuManufacturer":         texts(types.CpuManufacturer("").Values()),
	"InstanceGeneration":      texts(types.InstanceGeneration("").Values()),
	"LocalStorage":            texts(types.LocalStorage("").Values()),
	"LocalStorageType":        texts(types.LocalStorageType("").Values()),
	"ArchitectureType":        texts(types.ArchitectureType("").Values()),
	"VirtualizationType":      texts(types.VirtualizationType("").Values()),
	"KeyType":                 texts(types.KeyType("").Values()),
	"CopyTagsFromSource":      texts(types.CopyTagsFromSource("").Values()),

	"ResourceType.ResourceType":     texts(types.ImageReferenceResourceType("").Values()),
	"TagSpecification.ResourceType": texts(types.ResourceType("").Values()),

	"Override.InstanceType":            texts(types.InstanceType("").Values()),
	"LaunchSpecification.InstanceType": texts(types.InstanceType("").Values()),
	"DefaultTargetCapacityType":        texts(types.DefaultTargetCapacityType("").Values()),
	"TargetCapacityUnitType":           texts(types.TargetCapacityUnitType("").Values()),
	"ExcessCapacityTerminationPolicy":  texts(types.FleetExcessCapacityTerminationPolicy("").Values()),
	"UsageStrategy":                    texts(types.FleetCapacityReservationUsageStrategy("").Values()),
	"InstanceInterruptionBehavior":     texts(types.InstanceInterruptionBehavior("").Values()),
	"ReplacementStrategy":              texts(types.FleetReplacementStrategy("").Values()),

	"OnDemandOption.AllocationStrategy": texts(types.FleetOnDemandAllocationStrategy("").Values()),
	"SpotOption.AllocationStrategy":     texts(types.SpotAllocationStrategy("").Values()),

	"SpotFleetRequestConfig.AllocationStrategy":              texts(types.AllocationStrategy("").Values()),
	"SpotFleetRequestConfig.OnDemandAllocationStrategy":      texts(types.OnDemandAllocationStrategy("").Values()),
	"SpotFleetRequestConfig.ExcessCapacityTerminationPolicy": texts(types.ExcessCapacityTerminationPolicy("").Values()),
}

func texts[T ~string](words []T) []string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = string(w)
	}
	return all
}

// NotAWord is a member of the request that is an enumeration and none of its words, and what it says; "" for none.
// What a launch template holds is not looked at: its parameters are not validated until it is launched (User Guide,
// "Create an Amazon EC2 launch template").
func NotAWord(p *query.Params) (member, says string) {
	for path, value := range p.Sent() {
		if value == "" || strings.HasPrefix(path, "LaunchTemplateData.") {
			continue
		}
		within, name := memberOf(path)
		words, known := enumerations[within+"."+name]
		if !known {
			words, known = enumerations[name]
		}
		if known && !slices.Contains(words, value) && (member == "" || path < member) {
			member, says = path, value
		}
	}
	return member, says
}

// memberOf is a member's name and that of what it is in, without numbers, and lists in the singular.
func memberOf(path string) (within, name string) {
	for step := range strings.SplitSeq(path, ".") {
		if _, err := strconv.Atoi(step); err == nil || step == "member" {
			continue
		}
		within, name = name, strings.TrimSuffix(strings.TrimSuffix(step, "Set"), "s")
	}
	return within, name
}

// wordsAllowed refuses a word that an enumeration does not have. EC2's own words are unverified.
func wordsAllowed(call *query.Call) error {
	if member, says := NotAWord(call.Params); member != "" {
		return query.Errorf("InvalidParameterValue", "Value (%s) for parameter %s is invalid.", says, member)
	}
	return nil
}
