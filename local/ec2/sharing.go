package ec2

import (
	"slices"
	"strings"

	"goldsmith/local/query"
)

func describeImageAttribute(w *World, call *query.Call) error {
	img, err := w.ownImage(call.Params)
	if err != nil {
		return err
	}
	out, attribute := call.Out, call.Params.Text("Attribute")
	out.Text("imageId", img.id)
	switch attribute {
	case "launchPermission":
		query.Items(out, attribute, img.permissions(), func(p permission) { writePermission(out, p) })
		return nil
	case "blockDeviceMapping":
		query.Items(out, attribute, img.mappings, func(m mapping) { writeMapping(out, m) })
		return nil
	case "lastLaunchedTime":
		out.Element(attribute, func() { out.Time("value", w.lastLaunched(img)) })
		return nil
	}
	value, ok := map[string]string{
		"description": img.description, "bootMode": img.bootMode, "imdsSupport": img.imds, "tpmSupport": img.tpm,
		"uefiData": img.uefiData, "sriovNetSupport": img.sriov, "deregistrationProtection": orElse(img.protection, "disabled"),
	}[attribute]
	if !ok {
		return query.Errorf("InvalidParameterValue", "Value (%s) for parameter attribute is invalid. Unknown attribute.", attribute)
	}
	out.Element(attribute, func() { out.Optional("value", value) })
	return nil
}

func (img *image) permissions() []permission {
	if img.public {
		return append([]permission{{group: "all"}}, img.shared...)
	}
	return img.shared
}

func writePermission(out *query.Writer, p permission) {
	out.Optional("userId", p.user)
	out.Optional("group", p.group)
	out.Optional("organizationArn", p.organization)
	out.Optional("organizationalUnitArn", p.unit)
}

// modifyImageAttribute changes launch permissions, in the structured form
// (LaunchPermission.Add.1.UserId) or the older one (Attribute, OperationType
// and UserId.1), or the description or the IMDS support.
func modifyImageAttribute(w *World, call *query.Call) error {
	img, err := w.ownImage(call.Params)
	if err != nil {
		return err
	}
	p := call.Params
	switch {
	case p.Has("Description.Value"):
		text := p.Text("Description.Value")
		w.images.change(w.now, img.id, func(img *image) { img.description = text })
		w.images.file(img.id, "description="+text)
	case p.Has("ImdsSupport.Value"):
		text := p.Text("ImdsSupport.Value")
		w.images.change(w.now, img.id, func(img *image) { img.imds = text })
	default:
		if err := w.changePermissions(img, p); err != nil {
			return err
		}
	}
	call.Out.Bool("return", true)
	return nil
}

func (w *World) changePermissions(img *image, p *query.Params) error {
	added, err := readPermissions(p.List("LaunchPermission.Add"))
	if err != nil {
		return err
	}
	removed, err := readPermissions(p.List("LaunchPermission.Remove"))
	if err != nil {
		return err
	}
	switch p.Text("OperationType") {
	case "add":
		added = append(added, flatPermissions(p)...)
	case "remove":
		removed = append(removed, flatPermissions(p)...)
	}
	if len(added)+len(removed) == 0 {
		return query.Errorf("InvalidParameterCombination", "No attributes specified.")
	}
	all := slices.Concat(img.permissions(), added)
	all = slices.DeleteFunc(all, func(s permission) bool { return slices.Contains(removed, s) })
	w.images.change(w.now, img.id, func(img *image) { img.permit(all) })
	return nil
}

func (img *image) permit(all []permission) {
	img.public, img.shared = false, nil
	for _, p := range all {
		switch {
		case p.group == "all":
			img.public = true
		case !slices.Contains(img.shared, p):
			img.shared = append(img.shared, p)
		}
	}
}

func readPermissions(list []*query.Params) ([]permission, error) {
	var permissions []permission
	for _, p := range list {
		read := permission{p.Text("UserId"), p.Text("Group"), p.Text("OrganizationArn"), p.Text("OrganizationalUnitArn")}
		switch {
		case read.user != "" && (len(read.user) != 12 || strings.Trim(read.user, "0123456789") != ""):
			return nil, query.Errorf("InvalidAMIAttributeItemValue", "Invalid attribute item value \"%s\" for userId item type.", read.user)
		case read.group != "" && read.group != "all":
			return nil, query.Errorf("InvalidAMIAttributeItemValue", "Invalid attribute item value \"%s\" for group item type.", read.group)
		case read.organization != "" && !isARN(read.organization), read.unit != "" && !isARN(read.unit):
			return nil, query.Errorf("InvalidAMIAttributeItemValue", "Organizations and organizational units are named by their full ARNs.")
		}
		permissions = append(permissions, read)
	}
	return permissions, nil
}

func flatPermissions(p *query.Params) []permission {
	var permissions []permission
	for _, user := range p.Texts("UserId") {
		permissions = append(permissions, permission{user: user})
	}
	for _, group := range p.Texts("UserGroup") {
		permissions = append(permissions, permission{group: group})
	}
	for _, arn := range p.Texts("OrganizationArn") {
		permissions = append(permissions, permission{organization: arn})
	}
	for _, arn := range p.Texts("OrganizationalUnitArn") {
		permissions = append(permissions, permission{unit: arn})
	}
	return permissions
}
