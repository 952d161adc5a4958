package ec2

import (
	"slices"

	"goldsmith/local/query"
)

// ownSnapshot finds a snapshot of the account's own. The code for somebody else's is unverified;
// EC2's error code reference gives AuthFailure to requests about what one has no permission for.
func (w *World) ownSnapshot(p *query.Params) (*snapshot, error) {
	id := p.Text("SnapshotId")
	if id == "" {
		return nil, missing("SnapshotId")
	}
	s := w.snapshots.get(id)
	switch {
	case s == nil:
		return nil, unknownSnapshot(id)
	case s.owner != w.options.Account:
		return nil, query.Errorf("AuthFailure", "Not authorized for snapshot:%s", id)
	}
	return s, nil
}

// createVolumePermission is the attribute that both actions are about; the other, productCodes,
// is empty for every snapshot here.
const createVolumePermission = "createVolumePermission"

func describeSnapshotAttribute(w *World, call *query.Call) error {
	s, err := w.ownSnapshot(call.Params)
	if err != nil {
		return err
	}
	attribute := call.Params.Text("Attribute")
	call.Out.Text("snapshotId", s.id)
	switch attribute {
	case createVolumePermission:
		query.Items(call.Out, attribute, s.permitted, func(p permission) { writePermission(call.Out, p) })
	case "productCodes":
		call.Out.Element(attribute, func() {})
	default:
		return query.Errorf("InvalidParameterValue", "Value (%s) for parameter attribute is invalid. Unknown attribute.",
			attribute)
	}
	return nil
}

// modifySnapshotAttribute says who may make volumes of a snapshot and copy it, in the structured
// form (CreateVolumePermission.Add.1.UserId) or the older one (OperationType, UserId, UserGroup).
func modifySnapshotAttribute(w *World, call *query.Call) error {
	p := call.Params
	s, err := w.ownSnapshot(p)
	if err != nil {
		return err
	}
	if attribute := p.Text("Attribute"); attribute != "" && attribute != createVolumePermission {
		return query.Errorf("InvalidParameterValue", "Value (%s) for parameter attribute is invalid. Unknown attribute.",
			attribute)
	}
	added, removed, err := readVolumePermissions(p)
	if err != nil {
		return err
	}
	if err := w.snapshotShareable(s, added); err != nil {
		return err
	}
	if err := call.Commit(); err != nil {
		return err
	}
	permitted := slices.Clone(s.permitted)
	for _, each := range added {
		if !slices.Contains(permitted, each) {
			permitted = append(permitted, each)
		}
	}
	permitted = slices.DeleteFunc(permitted, func(each permission) bool { return slices.Contains(removed, each) })
	w.snapshots.change(w.now, s.id, func(s *snapshot) { s.permitted = permitted })
	call.Out.Bool("return", true)
	return nil
}

// readVolumePermissions: adding and removing take two calls (API reference, ModifySnapshotAttribute).
func readVolumePermissions(p *query.Params) (added, removed []permission, err error) {
	if added, removed, err = readPermissions(p, "CreateVolumePermission"); err != nil {
		return nil, nil, err
	}
	if len(added) > 0 && len(removed) > 0 {
		return nil, nil, query.Errorf("InvalidParameterCombination",
			"Permissions cannot be added and removed in one request.")
	}
	for _, each := range slices.Concat(added, removed) {
		if each != (permission{group: "all"}) && (each != permission{user: each.user} || !isAccount(each.user)) {
			// The error code reference names this code for ModifySnapshotAttribute.
			return nil, nil, query.Errorf("InvalidUserID.Malformed", "Invalid user id: \"%s%s\"", each.user, each.group)
		}
	}
	return added, removed, nil
}

// snapshotShareable: the code and the words for the default key are quoted in hashicorp/packer#7499
// and #8271; that an encrypted snapshot cannot be public is in the EBS User Guide ("Share an Amazon
// EBS snapshot"), its code is unverified.
func (w *World) snapshotShareable(s *snapshot, added []permission) error {
	switch {
	case len(added) == 0 || !s.encrypted:
		return nil
	case w.isDefaultKey(s.kmsKey):
		return query.Errorf("OperationNotPermitted", "Encrypted snapshots with EBS default key cannot be shared")
	case slices.ContainsFunc(added, func(p permission) bool { return p.group == "all" }):
		return query.Errorf("OperationNotPermitted", "Encrypted snapshots cannot be made public")
	}
	return nil
}
