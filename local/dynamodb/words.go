package dynamodb

import (
	_ "embed"
	"strings"
)

//go:embed words.txt
var words string

// reserved are the words that name no attribute in an expression (developer guide, "Reserved words in DynamoDB").
var reserved = func() map[string]bool {
	all := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		all[word] = true
	}
	return all
}()
