package awsclient

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Token is the ClientToken of a call: the same parts have the same one, so AWS carries the call out once however often
// it is sent. It has 40 characters; EC2 takes 64 to 128.
func Token(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:20])
}
