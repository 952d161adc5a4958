package event

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// quoted is how much of what was received an error repeats: enough for an ARN
// of a resource, little enough that a log line stays readable.
const quoted = 120

// unmarshal reads text into v; place is put before the field an error names.
func unmarshal(place string, text []byte, v any) error {
	if first := strings.TrimLeft(string(text[:min(len(text), quoted)]), " \t\r\n"); !strings.HasPrefix(first, "{") {
		return wrong(place, "a JSON object", string(text))
	}
	err := json.Unmarshal(text, v)
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrongType):
		return fmt.Errorf("%s: want %s, got %s", clip(strings.TrimPrefix(place+"."+wrongType.Field, ".")), wrongType.Type,
			clip(wrongType.Value))
	case err != nil:
		return fmt.Errorf("%s: %w, in %s", cmp.Or(place, "input"), err, quote(string(text)))
	default:
		return nil
	}
}

// detailOf reads the event's detail.
func detailOf[T any](e envelope) (T, error) {
	var detail T
	if len(e.Detail) == 0 {
		return detail, missing("detail", "")
	}
	return detail, unmarshal("detail", e.Detail, &detail)
}

// theResource is the one resource the event is about, parsed.
func (e envelope) theResource(service string) (arn.ARN, error) {
	if len(e.Resources) != 1 {
		return arn.ARN{}, fmt.Errorf("resources: want one ARN, got %d", len(e.Resources))
	}
	return parseARN("resources[0]", e.Resources[0], service)
}

func parseARN(place, text, service string) (arn.ARN, error) {
	parsed, err := arn.Parse(text)
	if err != nil || parsed.Service != service {
		return arn.ARN{}, wrong(place, "an ARN of "+service, text)
	}
	return parsed, nil
}

// checkID says whether id is one of EC2's: prefix, "-", and 8 or 17 hex digits.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html.
func checkID(place, id string, prefixes ...string) error {
	if id == "" {
		return missing(place, "")
	}
	if !isID(id, prefixes...) {
		return wrong(place, strings.Join(prefixes, "- or ")+"- and 8 or 17 hex digits", id)
	}
	return nil
}

func isID(id string, prefixes ...string) bool {
	prefix, digits, _ := strings.Cut(id, "-")
	if len(digits) != 8 && len(digits) != 17 || !only("0123456789abcdef", digits) {
		return false
	}
	for _, p := range prefixes {
		if p == prefix {
			return true
		}
	}
	return false
}

func parseTime(place, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, missing(place, "")
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, wrong(place, "a time such as 2026-03-22T18:59:43Z", text)
	}
	return at.UTC(), nil
}

// only says whether text has no other characters than those of set.
func only(set, text string) bool { return strings.Trim(text, set) == "" }

func wrong(place, want, got string) error {
	if place == "" {
		place = "input"
	}
	return fmt.Errorf("%s: want %s, got %s", place, want, quote(got))
}

func missing(place, hint string) error {
	if hint == "" {
		return fmt.Errorf("%s: missing", place)
	}
	return fmt.Errorf("%s: missing, %s", place, hint)
}

func quote(text string) string { return fmt.Sprintf("%q", clip(text)) }

// clip cuts text to what an error may repeat, between characters.
func clip(text string) string {
	if len(text) <= quoted {
		return text
	}
	end := quoted
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "..."
}
