package plan

import "strings"

// share checks whom images are shared with, as it stands under a path. That EC2 shares no snapshot with an organization
// is in the API reference, ModifySnapshotAttribute.
func (c *checker) share(at string, s Share) {
	for i, id := range s.Accounts {
		path := item(at+".accounts", i, s.Accounts)
		if !accountForm().MatchString(id) || strings.Trim(id, "0") == "" {
			c.add(path, "%q is no account's id; want its twelve digits in quotes, such as \"111122223333\"", id)
		}
	}
	if len(s.Accounts) > MaxAccounts {
		c.add(at+".accounts", "%d accounts are more than %d: share with their organization or its units instead",
			len(s.Accounts), MaxAccounts)
	}
	once(c, at+".accounts", s.Accounts)
	if s.Organization != "" {
		c.form(at+".organization", s.Organization, organizationForm,
			"no organization's id; want one such as o-a1b2c3d4e5, of which Goldsmith makes the ARN")
	}
	for i, id := range s.OrganizationalUnits {
		c.form(item(at+".organizationalUnits", i, s.OrganizationalUnits), id, unitForm,
			"no organizational unit's id; want one such as ou-a1b2-c3d4e5f6, of which Goldsmith makes the ARN")
	}
	if len(s.OrganizationalUnits) > MaxUnits {
		c.add(at+".organizationalUnits", "%d units are more than %d: name what they are parts of",
			len(s.OrganizationalUnits), MaxUnits)
	}
	once(c, at+".organizationalUnits", s.OrganizationalUnits)
	c.snapshotShare(at, s)
}

// snapshotShare wants accounts alone beside snapshots.
func (c *checker) snapshotShare(at string, s Share) {
	switch {
	case !s.Snapshots:
	case s.Organizes():
		c.add(at+".snapshots", "EC2 shares no snapshot with an organization or a unit: leave it out, or name accounts alone")
	case len(s.Accounts) == 0:
		c.add(at+".snapshots", "is about no account: name those that may copy the images, in %s.accounts", at)
	}
}
