package permissions

import (
	"maps"
	"net/http"
	"strings"
)

// direct reads a call of the EBS direct APIs: GET /snapshots/<id>/blocks, and .../blocks/<index>
// (docs.aws.amazon.com/ebs/latest/APIReference/API_ListSnapshotBlocks.html).
func direct(r *http.Request) (Call, bool) {
	path, ok := strings.CutPrefix(r.URL.Path, "/snapshots/")
	if !ok || r.Method != http.MethodGet {
		return Call{}, false
	}
	id, rest, _ := strings.Cut(path, "/")
	name := "ebs:ListSnapshotBlocks"
	if rest != "blocks" {
		name = "ebs:GetSnapshotBlock"
	}
	return Call{Name: name, Input: map[string]any{"SnapshotId": id}}, true
}

// reading is on a snapshot, with the tags that it carries.
func reading(s Scene, c Call) []Request {
	id, _ := c.Input["SnapshotId"].(string)
	return []Request{{c.Name, s.resource(id), carried(s.Tags(id))}}
}

// copying is CopySnapshot on the snapshot that is there and on the one to be
// (aws.amazon.com/blogs/storage/enhancing-resource-level-permissions-for-copying-amazon-ebs-snapshots), and CreateTags
// on that.
func copying(s Scene, c Call) []Request {
	return append(existing("SourceSnapshotId")(s, c), made(s, c, "snapshot")...)
}

// registering is RegisterImage on the snapshots that are there and on the image to be, and CreateTags on that.
func registering(s Scene, c Call) []Request {
	requests := made(s, c, "image")
	for _, m := range c.Params.List("BlockDeviceMapping") {
		if id := m.At("Ebs").Text("SnapshotId"); id != "" {
			requests = append(requests, Request{c.Name, s.resource(id), carried(s.Tags(id))})
		}
	}
	return requests
}

// made is what a call makes and tags.
func made(s Scene, c Call, kind string) (requests []Request) {
	given := map[string][]string{}
	for _, specification := range c.Params.List("TagSpecification") {
		given = requested(specification.List("Tag"))
		creating := maps.Clone(given)
		_, action, _ := strings.Cut(c.Name, ":")
		creating["ec2:CreateAction"] = []string{action}
		requests = append(requests, Request{"ec2:CreateTags", s.public(kind + "/*"), creating})
	}
	return append(requests, Request{c.Name, s.public(kind + "/*"), given})
}

// readers is what may be done of this kind by function snapshot alone.
func readers(s Scene, role string) (requests []Request) {
	const id = "0123456789abcdef0"
	foreign := map[string][]string{"aws:ResourceTag/Name": {"web"}, "aws:ResourceTag/goldsmith:planner": {"nightly"}}
	other := map[string][]string{"aws:ResourceTag/Backup": {"weekly"}} // The plan selects daily ones.
	for _, keys := range []map[string][]string{nil, foreign, other} {
		requests = append(requests, all([]string{"ebs:ListSnapshotBlocks", "ebs:GetSnapshotBlock", "ec2:CopySnapshot",
			"ec2:RegisterImage"}, s.resource("snap-"+id), keys)...)
	}
	for key, value := range map[string]string{
		"goldsmith:plan": "nightly", "goldsmith:image": "nightly", "goldsmith:device": "/dev/sdf", "Backup": "daily",
	} {
		offered := map[string][]string{"aws:ResourceTag/" + key: {value}}
		requests = append(requests, all([]string{"ebs:PutSnapshotBlock", "ebs:StartSnapshot", "ebs:CompleteSnapshot",
			"ec2:ModifySnapshotTier"}, s.resource("snap-"+id), offered)...)
	}
	requests = append(requests, all([]string{"ebs:ListSnapshotBlocks", "ebs:GetSnapshotBlock"}, s.resource("snap-"+id),
		map[string][]string{"aws:ResourceTag/goldsmith:device": {"/dev/sdf"}})...)
	for action, kind := range map[string]string{"CopySnapshot": "snapshot", "RegisterImage": "image"} {
		if role != "snapshot" {
			requests = append(requests, Request{"ec2:CreateTags", s.public(kind + "/*"),
				map[string][]string{"ec2:CreateAction": {action}}})
		}
		requests = append(requests, Request{"ec2:" + action, s.public(kind + "/*"), nil})
	}
	return requests
}
