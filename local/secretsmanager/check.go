package secretsmanager

import (
	"strings"

	"goldsmith/local/awsjson"
)

// What a secret may be (API reference, CreateSecret and PutSecretValue).
const (
	longestName  = 512
	largestValue = 65_536
	leastToken   = 32
	mostToken    = 64
	nameLetters  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_+=.@-"
)

func checkName(name string) error {
	switch {
	case name == "":
		return awsjson.Errorf("InvalidParameterException", "You must provide a value for the Name parameter.")
	case len(name) > longestName:
		return awsjson.Errorf("ValidationException", "1 validation error detected: Value at 'name' failed to satisfy "+
			"constraint: Member must have length less than or equal to %d", longestName)
	case strings.Trim(name, nameLetters) != "":
		return awsjson.Errorf("ValidationException", "Invalid name. Must be a valid name containing alphanumeric "+
			"characters, or any of the following: -/_+=.@!")
	}
	return nil
}

// checkValue: a secret is text or binary, not both. The token is the version's id; the SDKs give one where none is
// said.
func checkValue(text *string, binary []byte, token string) error {
	size := len(binary)
	if text != nil {
		size = len(*text)
	}
	switch {
	case text != nil && len(binary) > 0:
		return awsjson.Errorf("InvalidParameterException", "You can't specify both a binary secret value and a string "+
			"secret value in the same secret.")
	case size > largestValue:
		return awsjson.Errorf("ValidationException", "1 validation error detected: Value at 'secretString' failed to "+
			"satisfy constraint: Member must have length less than or equal to %d", largestValue)
	case token != "" && (len(token) < leastToken || len(token) > mostToken):
		return awsjson.Errorf("InvalidParameterException",
			"The ClientRequestToken must be %d to %d characters long.", leastToken, mostToken)
	}
	return nil
}
