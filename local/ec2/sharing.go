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
		"uefiData": img.uefiData, "sriovNetSupport": img.sriov,
		"deregistrationProtection": orElse(img.protection, "disabled"),
	}[attribute]
	if !ok {
		return query.Errorf("InvalidParameterValue", "Value (%s) for parameter attribute is invalid. Unknown attribute.",
			attribute)
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
	edit, err := w.imageEdit(img, call.Params)
	if err != nil {
		return err
	}
	if err := call.Commit(); err != nil {
		return err
	}
	w.images.change(w.now, img.id, edit)
	w.images.file(img.id, "description="+w.images.get(img.id).description)
	call.Out.Bool("return", true)
	return nil
}

// flatForm is the older form of a change of launch permissions.
var flatForm = []string{"Attribute", "OperationType", "UserId", "UserGroup", "OrganizationArn", "OrganizationalUnitArn"}

// imageEdit reads the one attribute that a request changes.
func (w *World) imageEdit(img *image, p *query.Params) (func(*image), error) {
	attributes := 0
	for _, name := range []string{"Description", "ImdsSupport", "LaunchPermission"} {
		if p.Has(name) {
			attributes++
		}
	}
	if slices.ContainsFunc(flatForm, p.Has) {
		attributes++
	}
	switch {
	case attributes > 1: // One attribute at a time (API reference, ModifyImageAttribute).
		return nil, severalAttributes()
	case p.Has("Description"):
		text := p.Text("Description.Value")
		return func(img *image) { img.description = text }, nil
	case p.Has("ImdsSupport"):
		text := p.Text("ImdsSupport.Value")
		if text != "v2.0" {
			return nil, query.Errorf("InvalidParameterValue", "Invalid value '%s' for imdsSupport.", text)
		}
		return func(img *image) { img.imds = text }, nil
	}
	if name := p.Text("Attribute"); name != "" && name != "launchPermission" {
		return nil, query.Errorf("InvalidParameterValue",
			"Value (%s) for parameter attribute is invalid. The embedded EC2 changes launchPermission only in this form.", name)
	}
	return w.permissionEdit(img, p)
}

func (w *World) permissionEdit(img *image, p *query.Params) (func(*image), error) {
	if err := w.shareable(img); err != nil {
		return nil, err
	}
	added, removed, err := readPermissions(p, "LaunchPermission")
	if err != nil {
		return nil, err
	}
	for _, each := range slices.Concat(added, removed) {
		if err := each.check(); err != nil {
			return nil, err
		}
	}
	if err := w.mayAdd(img, added); err != nil {
		return nil, err
	}
	all := slices.Concat(img.permissions(), added)
	all = slices.DeleteFunc(all, func(s permission) bool { return slices.Contains(removed, s) })
	return func(img *image) { img.permit(all) }, nil
}

// mayAdd holds permissions that are added against the accounts that there are and the keys of the image's snapshots.
// That encrypted ones are not made public is quoted in opendevstack/ods-core#1062.
func (w *World) mayAdd(img *image, added []permission) error {
	for _, each := range added {
		if w.closed[each.user] {
			return query.Errorf("InvalidAMIAttributeItemValue",
				"Invalid attribute item value \"%s\" for userId item type.", each.user)
		}
	}
	if len(added) > 0 && w.underDefaultKey(img) {
		return query.Errorf("InvalidParameter",
			"Snapshots encrypted with the AWS Managed CMK can't be shared. Specify another snapshot.")
	}
	if slices.ContainsFunc(added, func(p permission) bool { return p.group == "all" }) && w.encryptedImage(img) {
		return query.Errorf("UnsupportedOperation",
			"Encrypted snapshots can't be shared publicly. Specify another snapshot.")
	}
	return nil
}

// shareable: the code and the words are AWS's, as quoted in app-sre/qontract-reconcile#2222
// and SUSE-Enceladus/ec2imgutils#45 for a pending image.
func (w *World) shareable(img *image) error {
	if img.state == imageAvailable {
		return nil
	}
	return query.Errorf("InvalidAMIID.Unavailable",
		"The AMI ID '%s' is currently %s and may not be used for this operation", img.id, img.state)
}

// underDefaultKey tells whether a snapshot of the image is under aws/ebs; EC2 refuses to
// share it, in the words quoted in hashicorp/packer#7410.
func (w *World) underDefaultKey(img *image) bool {
	return slices.ContainsFunc(img.mappings, func(m mapping) bool {
		s := w.snapshots.get(m.snapshotID)
		return s != nil && s.encrypted && w.isDefaultKey(s.kmsKey)
	})
}

func (w *World) encryptedImage(img *image) bool {
	return slices.ContainsFunc(img.mappings, func(m mapping) bool {
		s := w.snapshots.get(m.snapshotID)
		return s != nil && s.encrypted
	})
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

// readPermissions reads who is added to the permissions of an image or a snapshot and who is
// removed, in the structured form or in the older one.
func readPermissions(p *query.Params, member string) (added, removed []permission, err error) {
	added, removed = structured(p.List(member+".Add")), structured(p.List(member+".Remove"))
	flat := flatPermissions(p)
	switch operation := p.Text("OperationType"); {
	case operation == "add":
		added = append(added, flat...)
	case operation == "remove":
		removed = append(removed, flat...)
	case operation != "" || len(flat) > 0:
		return nil, nil, query.Errorf("InvalidParameterValue", "Invalid value '%s' for operationType.", operation)
	}
	if len(added)+len(removed) == 0 {
		return nil, nil, query.Errorf("InvalidParameterCombination", "No attributes specified.")
	}
	return added, removed, nil
}

func structured(list []*query.Params) []permission {
	var permissions []permission
	for _, p := range list {
		permissions = append(permissions,
			permission{p.Text("UserId"), p.Text("Group"), p.Text("OrganizationArn"), p.Text("OrganizationalUnitArn")})
	}
	return permissions
}

// check holds a permission against its form. The code is that of the error code reference;
// a group is "all" alone.
func (p permission) check() error {
	switch {
	case p == permission{}:
		return query.Errorf("InvalidParameterCombination",
			"A launch permission names an account, a group, an organization or an organizational unit.")
	case p.names() > 1: // How EC2 answers is not documented; it keeps none of them apart in its describe.
		return query.Errorf("InvalidParameterCombination",
			"A launch permission names one of an account, a group, an organization and an organizational unit.")
	case p.user != "" && !isAccount(p.user):
		return query.Errorf("InvalidAMIAttributeItemValue",
			"Invalid attribute item value \"%s\" for userId item type.", p.user)
	case p.group != "" && p.group != "all":
		return query.Errorf("InvalidAMIAttributeItemValue", "Invalid attribute item value \"%s\" for group item type.",
			p.group)
	case p.organization != "" && !isARN(p.organization), p.unit != "" && !isARN(p.unit):
		return query.Errorf("InvalidAMIAttributeItemValue",
			"Organizations and organizational units are named by their full ARNs.")
	}
	return nil
}

// names is how many of its members a permission has.
func (p permission) names() (n int) {
	for _, said := range []string{p.user, p.group, p.organization, p.unit} {
		if said != "" {
			n++
		}
	}
	return n
}

// isAccount tells whether an id may be an account's: twelve digits, not all of them 0.
func isAccount(id string) bool {
	return len(id) == 12 && strings.Trim(id, "0123456789") == "" && strings.Trim(id, "0") != ""
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
