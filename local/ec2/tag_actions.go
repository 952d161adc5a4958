package ec2

import (
	"slices"
	"unicode/utf8"

	"goldsmith/local/query"
)

func createTags(w *World, call *query.Call) error {
	added, err := readTags(call.Params.List("Tag"))
	if err != nil {
		return err
	}
	ids, err := taggedResources(w, call)
	if err != nil {
		return err
	}
	if len(added) == 0 {
		return missing("Tag")
	}
	for _, id := range ids {
		before, _ := kind(id).read(w, id)
		if count := countOwn(merge(before, added)); count > maxTags {
			return tooManyTags()
		}
	}
	if err := call.Commit(); err != nil {
		return err
	}
	for _, id := range ids {
		w.tag(id, added)
	}
	call.Out.Bool("return", true)
	return nil
}

// deleteTags drops a tag whatever its value when none is given, else only with
// that value; without any tag it drops all of the user's tags (API reference, DeleteTags).
func deleteTags(w *World, call *query.Call) error {
	ids, err := taggedResources(w, call)
	if err != nil {
		return err
	}
	doomed := call.Params.List("Tag")
	for _, d := range doomed {
		if reserved(d.Text("Key")) {
			return reservedTag(d.Text("Key"))
		}
	}
	call.Params.At("Tag").Keep() // A value is held against the tag's.
	if err := call.Commit(); err != nil {
		return err
	}
	for _, id := range ids {
		before, _ := kind(id).read(w, id)
		w.retag(id, slices.DeleteFunc(slices.Clone(before), func(t Tag) bool { return isDoomed(t, doomed) }))
	}
	call.Out.Bool("return", true)
	return nil
}

func isDoomed(t Tag, doomed []*query.Params) bool {
	if reserved(t.Key) {
		return false
	}
	return len(doomed) == 0 || slices.ContainsFunc(doomed, func(d *query.Params) bool {
		return d.Text("Key") == t.Key && (!d.Has("Value") || d.Text("Value") == t.Value)
	})
}

func taggedResources(w *World, call *query.Call) ([]string, error) {
	ids := call.Params.Texts("ResourceId")
	if len(ids) == 0 {
		return nil, missing("ResourceId")
	}
	for _, id := range ids {
		k := kind(id)
		if k == nil {
			return nil, query.Errorf("InvalidID", "The ID '%s' is not valid", id)
		}
		if _, ok := k.read(w, id); !ok {
			return nil, query.Errorf(k.notFound, "The %s '%s' does not exist", k.subject, id)
		}
	}
	return ids, nil
}

// readTags reads Tag.N.Key and Tag.N.Value and refuses what EC2 refuses.
func readTags(list []*query.Params) ([]Tag, error) {
	var tags []Tag
	for _, node := range list {
		t := Tag{node.Text("Key"), node.Text("Value")}
		switch {
		case t.Key == "":
			return nil, query.Errorf("InvalidParameterValue", "Tag key cannot be null or empty.")
		case reserved(t.Key):
			return nil, reservedTag(t.Key)
		case utf8.RuneCountInString(t.Key) > maxTagKey:
			return nil, query.Errorf("InvalidParameterValue", "Tag key exceeds the maximum length of %d characters", maxTagKey)
		case utf8.RuneCountInString(t.Value) > maxTagValue:
			return nil, query.Errorf("InvalidParameterValue", "Tag value exceeds the maximum length of %d characters",
				maxTagValue)
		case slices.ContainsFunc(tags, func(o Tag) bool { return o.Key == t.Key }):
			return nil, query.Errorf("InvalidParameterValue", "Duplicate tag key '%s' specified.", t.Key)
		}
		tags = append(tags, t)
	}
	if len(tags) > maxTags {
		return nil, tooManyTags()
	}
	return tags, nil
}

// tagSpecifications reads the tags of a creating call by the resource type they are for.
func tagSpecifications(params *query.Params, allowed ...string) (map[string][]Tag, error) {
	byType := map[string][]Tag{}
	for _, spec := range params.List("TagSpecification") {
		of := spec.Text("ResourceType")
		if !slices.Contains(allowed, of) {
			return nil, query.Errorf("InvalidParameterValue",
				"'%s' is not a valid taggable resource type for this operation.", of)
		}
		if _, twice := byType[of]; twice {
			return nil, query.Errorf("InvalidParameterValue", "Duplicate tag specification for resource type '%s'.", of)
		}
		tags, err := readTags(spec.List("Tag"))
		if err != nil {
			return nil, err
		}
		byType[of] = tags
	}
	return byType, nil
}
