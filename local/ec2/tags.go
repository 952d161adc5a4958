package ec2

import (
	"slices"
	"strings"

	"goldsmith/local/query"
)

// Tag is a tag of a resource.
type Tag struct{ Key, Value string }

const (
	maxTags     = 50 // per resource, aws: tags not counted
	maxTagKey   = 128
	maxTagValue = 256
)

// resourceKind says how tags of one kind of resource are read and written.
type resourceKind struct {
	prefix, name, notFound, subject string
	read                            func(*World, string) ([]Tag, bool)
	write                           func(*World, string, []Tag)
	each                            func(*World, tagHint, func(string, []Tag)) // as a describe sees them
}

// kindsOf is ordered so that listings of all kinds are stable. The NotFound
// codes are those of EC2's error code reference.
var kindsOf = []resourceKind{
	kindOf("i", "instance", "InvalidInstanceID.NotFound", "instance ID",
		func(w *World) *store[instance] { return w.instances }, func(v *instance) *[]Tag { return &v.tags }),
	kindOf("vol", "volume", "InvalidVolume.NotFound", "volume", func(w *World) *store[volume] { return w.volumes },
		func(v *volume) *[]Tag { return &v.tags }),
	kindOf("snap", "snapshot", "InvalidSnapshot.NotFound", "snapshot",
		func(w *World) *store[snapshot] { return w.snapshots }, func(v *snapshot) *[]Tag { return &v.tags }),
	kindOf("ami", "image", "InvalidAMIID.NotFound", "image ID", func(w *World) *store[image] { return w.images },
		func(v *image) *[]Tag { return &v.tags }),
	kindOf("lt", "launch-template", "InvalidLaunchTemplateId.NotFound", "launch template ID",
		func(w *World) *store[template] { return w.templates }, func(v *template) *[]Tag { return &v.tags }),
	kindOf("fleet", "fleet", "InvalidFleetId.NotFound", "fleet ID", func(w *World) *store[fleet] { return w.fleets },
		func(v *fleet) *[]Tag { return &v.tags }),
	kindOf("sfr", "spot-fleet-request", "InvalidSpotFleetRequestId.NotFound", "spot fleet request ID",
		func(w *World) *store[fleet] { return w.fleets }, func(v *fleet) *[]Tag { return &v.tags }),
	kindOf("sir", "spot-instances-request", "InvalidSpotInstanceRequestID.NotFound", "spot instance request ID",
		func(w *World) *store[spotRequest] { return w.spots }, func(v *spotRequest) *[]Tag { return &v.tags }),
}

func kindOf[T any](prefix, name, notFound, subject string, in func(*World) *store[T],
	tags func(*T) *[]Tag) resourceKind {
	return resourceKind{
		prefix: prefix, name: name, notFound: notFound, subject: subject,
		read: func(w *World, id string) ([]Tag, bool) {
			if v := in(w).get(id); v != nil {
				return *tags(v), true
			}
			return nil, false
		},
		write: func(w *World, id string, after []Tag) {
			in(w).change(w.now, id, func(v *T) { *tags(v) = after })
			in(w).file(id, tagKeys(after)...)
		},
		each: func(w *World, hint tagHint, do func(string, []Tag)) {
			for _, e := range hinted(in(w), hint) {
				if v := e.at(w.asOf); v != nil && strings.HasPrefix(e.id, prefix+"-") {
					do(e.id, *tags(v))
				}
			}
		},
	}
}

// kind finds the kind of a well-formed id, or nil.
func kind(id string) *resourceKind {
	prefix, rest, ok := strings.Cut(id, "-")
	// The ids of fleets end in a UUID.
	if uuid := len(rest) == 36; uuid {
		rest = strings.ReplaceAll(rest, "-", "")
	}
	if !ok || len(rest) != 32 && len(rest) != 17 && len(rest) != 8 || strings.Trim(rest, "0123456789abcdef") != "" {
		return nil
	}
	for i := range kindsOf {
		if kindsOf[i].prefix == prefix {
			return &kindsOf[i]
		}
	}
	return nil
}

func resourceType(id string) string {
	if k := kind(id); k != nil {
		return k.name
	}
	return ""
}

// tag adds tags to a resource and sends the change event.
func (w *World) tag(id string, added []Tag) {
	before, _ := kind(id).read(w, id)
	w.retag(id, merge(before, added))
}

func (w *World) retag(id string, after []Tag) {
	before, _ := kind(id).read(w, id)
	changed := changedKeys(before, after)
	if len(changed) == 0 {
		return
	}
	kind(id).write(w, id, after)
	w.emitTagChange(id, changed, after)
}

// merge is before with added, sorted by key.
func merge(before, added []Tag) []Tag {
	all := slices.Clone(before)
	for _, t := range added {
		if at := slices.IndexFunc(all, func(o Tag) bool { return o.Key == t.Key }); at >= 0 {
			all[at] = t
		} else {
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(a, b Tag) int { return strings.Compare(a.Key, b.Key) })
	return all
}

func changedKeys(before, after []Tag) []string {
	var keys []string
	for _, t := range after {
		if !slices.Contains(before, t) {
			keys = append(keys, t.Key)
		}
	}
	for _, t := range before {
		if !slices.ContainsFunc(after, func(o Tag) bool { return o.Key == t.Key }) {
			keys = append(keys, t.Key)
		}
	}
	slices.Sort(keys)
	return keys
}

func countOwn(tags []Tag) int {
	count := 0
	for _, t := range tags {
		if !reserved(t.Key) {
			count++
		}
	}
	return count
}

func tagKeys(tags []Tag) []string {
	keys := make([]string, 0, 2*len(tags))
	for _, t := range tags {
		keys = append(keys, "tag-key="+t.Key, "tag:"+t.Key+"="+t.Value)
	}
	return keys
}

func reserved(key string) bool { return strings.HasPrefix(strings.ToLower(key), "aws:") }

func reservedTag(key string) error {
	return query.Errorf("InvalidParameterValue",
		"Value ( %s ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use", key)
}

func tooManyTags() error {
	return query.Errorf("TagLimitExceeded", "The maximum number of tags per resource is %d.", maxTags)
}

func missing(parameter string) error {
	return query.Errorf("MissingParameter", "The request must contain the parameter %s", parameter)
}

func writeTags(out *query.Writer, tags []Tag) {
	if len(tags) == 0 {
		return
	}
	query.Items(out, "tagSet", tags, func(t Tag) {
		out.Text("key", t.Key)
		out.Text("value", t.Value)
	})
}
