package breaker

import (
	"strings"

	"goldsmith/shared/fault"
	"goldsmith/shared/ledger"
)

// Scope is what a source that is down keeps from being stopped.
type Scope string

const (
	// Plan is its own plan.
	Plan Scope = "plan"
	// Account is every plan: the reason would hold for any source.
	Account Scope = "account"
	// Pool is its instance type in its Availability Zone, in any plan.
	Pool Scope = "type and zone"
	// Host is its Dedicated Host.
	Host Scope = "host"
)

// scopes are the codes by which EC2 refuses a start, of the API reference's page on error codes and of StateReason.
// Each code of "no room" is among them.
var scopes = scoped(map[Scope][]string{
	Pool: {
		"InsufficientInstanceCapacity", "InsufficientCapacity",
		"UnfulfillableCapacity",
		"InsufficientReservedInstanceCapacity", "InsufficientReservedInstancesCapacity", "ReservedInstancesUnavailable",
		"ReservationCapacityExceeded", "InvalidCapacityReservationState.PendingActivation", "InsufficientVolumeCapacity",
		"MaxScheduledInstanceCapacityExceeded", "ScheduledInstanceSlotNotOpen", "ScheduledInstanceSlotUnavailable",
		"SpotMaxPriceTooLow",
	},
	Host: {
		"InsufficientHostCapacity", "InsufficientCapacityOnHost", "IncompatibleHostRequirements",
		"UnavailableHostRequirements",
		"InvalidHostState", "HostLimitExceeded",
	},
	Account: {
		"VcpuLimitExceeded", "InstanceLimitExceeded", "MaxSpotInstanceCountExceeded", "MaxIOPSLimitExceeded",
		"VolumeLimitExceeded", "NetworkInterfaceLimitExceeded", "InsufficientAddressCapacity",
		// A key that may not be used: whether others use it too is not known here, so it counts as if they did.
		"Client.InternalError", "InvalidKMSKey.InvalidState",
	},
	// Its subnet is full; others of the plan may lie in it, too.
	Plan: {"InsufficientFreeAddressesInSubnet"},
})

func scoped(codes map[Scope][]string) map[string]Scope {
	by := map[string]Scope{}
	for scope, of := range codes {
		for _, code := range of {
			by[code] = scope
		}
	}
	return by
}

func scopeOf(c ledger.Claim) Scope {
	code := fault.StateCode(c.RefusedBy)
	scope, known := scopes[code]
	if scope == Host && c.Host == "" {
		scope = Pool
	}
	switch {
	case scope == Pool && (c.InstanceType == "" || c.Zone == ""):
		return Plan
	case known:
		return scope
	case fault.DeniedCode(code), c.RefusedBy == busy, fault.BusyCode(code):
		return Account
	default:
		return Plan
	}
}

// busy stands for all transient codes: AWS was busy, failed inside, or could not be reached.
const busy = "Transient"

// lasts reports whether trying again cannot help: it may not be started, or EC2 took it back to stopped.
func lasts(code string) bool {
	if fault.Passes(code) {
		return false
	}
	return fault.DeniedCode(fault.StateCode(code)) || strings.HasPrefix(code, "Client.") ||
		strings.HasPrefix(code, "Server.") || code == FellBack
}

// FellBack is the code of a start that EC2 took back without one.
const FellBack = "FellBack"

// CodeOf is the code by which an error counts.
func CodeOf(err error) string {
	if fault.IsTransient(err) && !fault.IsNoCapacity(err) {
		return busy
	}
	return fault.Code(err)
}

// nothing says what is not stopped, as the subject of a sentence.
func (s Scope) nothing(c ledger.Claim) string {
	switch s {
	case Account:
		return "Nothing more of any plan"
	case Pool:
		return "No other " + c.InstanceType + " in " + c.Zone
	case Host:
		return "Nothing more on host " + c.Host
	case Plan:
	}
	return "Nothing more of plan " + c.Plan
}
