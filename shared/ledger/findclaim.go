package ledger

import "slices"

// FindClaim is the claim of one run to one source among claims; false where there is none.
func FindClaim(claims []Claim, source, run string) (Claim, bool) {
	at := slices.IndexFunc(claims, func(c Claim) bool { return c.Source == source && c.Run == run })
	if at < 0 {
		return Claim{}, false
	}
	return claims[at], true
}
