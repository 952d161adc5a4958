package query

import (
	"regexp"
	"strings"
)

var token = regexp.MustCompile(`(^|&)ClientToken=[^&]*`)

// Stable is a form without its client token: the SDK makes one up for a call that gives
// none, and what is drawn from a call must not change with it.
func Stable(form string) string {
	if !strings.Contains(form, "ClientToken=") { // Most have none, and every call of a night comes here.
		return form
	}
	return token.ReplaceAllString(form, "")
}
