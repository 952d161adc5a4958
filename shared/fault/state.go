package fault

import (
	"slices"
	"strings"
)

// keyUnusable is the state reason of an instance whose start EC2 took back since a volume's key may not be used
// (re:Post knowledge center, "encrypted-volumes-stops-immediately").
const keyUnusable = "Client.InternalError"

// StateCode is the code of a state reason (EC2 API reference, StateReason) as calls have it: without "Server." or
// "Client.". That of an unusable key stays whole, since calls fail with an InternalError of another meaning.
func StateCode(code string) string {
	if code == keyUnusable {
		return code
	}
	return strings.TrimPrefix(strings.TrimPrefix(code, "Server."), "Client.")
}

// Passes reports whether a start that EC2 took back with this state reason may work later, without anybody doing
// anything: there was no room, or EC2 failed inside.
func Passes(code string) bool {
	code = StateCode(code)
	return slices.Contains(noCapacity, code) || slices.Contains(transient, code)
}

// BusyCode reports whether a code means that AWS is busy, or failed inside.
func BusyCode(code string) bool { return slices.Contains(transient, code) }
