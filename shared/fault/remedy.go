package fault

import "slices"

// remedy is what a person does about AWS's refusal of a call, in a sentence.
type remedy struct {
	codes []string
	do    string
}

// remedies are the first that has a code. The codes are those of the EC2 API reference's page on error codes.
var remedies = []remedy{
	{denied, "Have Goldsmith be allowed that call (docs/permissions.md)."},
	{refusals, "See what else in the account makes so many calls."},
	{
		[]string{
			"VcpuLimitExceeded", "InstanceLimitExceeded", "MaxSpotInstanceCountExceeded", "MaxIOPSLimitExceeded",
			"VolumeLimitExceeded", "NetworkInterfaceLimitExceeded", "HostLimitExceeded",
		},
		"Ask Service Quotas for more, or remove what is not needed.",
	},
	{[]string{"InsufficientFreeAddressesInSubnet"}, "Free addresses in its subnet."},
	{
		[]string{
			"InsufficientHostCapacity", "InsufficientCapacityOnHost", "IncompatibleHostRequirements",
			"UnavailableHostRequirements", "InvalidHostState",
		},
		"See to its Dedicated Host, or wait until that has room.",
	},
	{noCapacity, "Wait until EC2 has room for it, or give it another instance type."},
	{
		[]string{"ConcurrentSnapshotLimitExceeded", "SnapshotCreationPerVolumeRateExceeded"},
		"See what else makes snapshots of its volumes.",
	},
	{
		[]string{"PendingSnapshotLimitExceeded", "ConcurrentCreateImageNoRebootLimitExceeded"},
		"See what else in the account makes so many snapshots and images.",
	},
	{
		[]string{keyUnusable, "InvalidKMSKey.InvalidState"},
		"See whether the KMS keys of its volumes can be used.",
	},
}

// Remedy is what a person does about AWS's refusal with that code, in a sentence; "" where only its message tells.
func Remedy(code string) string {
	for _, r := range remedies {
		if slices.Contains(r.codes, code) {
			return r.do
		}
	}
	return ""
}

// IsRemedy reports whether a sentence says how a refusal of AWS is ended, so that what failed can be tried again then.
func IsRemedy(do string) bool {
	return slices.ContainsFunc(remedies, func(r remedy) bool { return r.do == do })
}
