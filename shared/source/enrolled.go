package source

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// Tags are the instance's tags as a map.
func Tags(i types.Instance) map[string]string { return tag.Map(i.Tags) }

// Name is what a source is called: tag goldsmith:name, else Name, else the id.
func Name(tags map[string]string, id string) string {
	for _, key := range []string{tag.Name, "Name"} {
		if name := strings.TrimSpace(tags[key]); name != "" {
			return name
		}
	}
	return id
}

// Enrolled reports whether tag goldsmith:plan names the plan. An instance in
// several plans lists them, separated by spaces, commas or plus signs.
func Enrolled(tags map[string]string, name string) bool { return slices.Contains(Plans(tags), name) }

// Plans are the names in the tag goldsmith:plan.
func Plans(tags map[string]string) []string {
	return strings.FieldsFunc(tags[tag.Plan], func(r rune) bool { return strings.ContainsRune(" ,+", r) })
}

// Chosen reports whether the plan's selector lets the source through.
func Chosen(tags map[string]string, id string, s plan.Selector) bool {
	return unchosen(tags, id, s) == ""
}

// unchosen is why the plan's selector does not let the source through; "" when it does.
func unchosen(tags map[string]string, id string, s plan.Selector) string {
	if len(s.IDs) > 0 && !slices.Contains(s.IDs, id) {
		return "sources.ids does not list it"
	}
	for _, key := range slices.Sorted(maps.Keys(s.Tags)) {
		if !carries(tags, key, s.Tags[key]) {
			return "its tag " + key + " is not as sources.tags wants it"
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.Exclude)) {
		if carries(tags, key, s.Exclude[key]) {
			return "its tag " + key + " is one that sources.exclude names"
		}
	}
	return ""
}

func carries(tags map[string]string, key string, values []string) bool {
	value, ok := tags[key]
	return ok && (len(values) == 0 || slices.Contains(values, value))
}
