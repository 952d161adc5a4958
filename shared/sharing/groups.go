package sharing

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
)

// Group is an Auto Scaling group that would launch an image, and the service-linked role that it does so with.
type Group struct{ Name, Role string }

// Groups warns of groups that could not launch an image whose volumes have these KMS keys: a customer managed key has
// to let Auto Scaling's role use it, by its policy or by a grant; the account's policies do not (Auto Scaling User
// Guide, "Required AWS KMS key policy for use with encrypted volumes"). groups are asked for where there is such a key.
func (l Lookout) Groups(
	ctx context.Context, keys []string, groups func(context.Context) ([]Group, error),
) (warnings []job.Reason) {
	if len(keys) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if l.known == nil {
		l = New(l.Organizations, l.Keys)
	}
	keys = slices.DeleteFunc(slices.Clone(keys), func(arn string) bool { return l.key(ctx, arn).managed })
	if len(keys) == 0 {
		return nil // The role may use what AWS manages.
	}
	all, err := groups(ctx)
	if err != nil {
		handler.Log(ctx).WarnContext(ctx, "the groups that launch what is rolled cannot be looked up", "error", err)
		return []job.Reason{{Code: job.GroupsUnseen,
			Text: "whether groups can launch the image, which is encrypted, could not be seen: " + fault.Brief(err)}}
	}
	for _, arn := range keys {
		warnings = append(warnings, l.key(ctx, arn).groups(all)...)
	}
	return warnings
}

// groups are the warnings of groups that launch an image under this key.
func (k *key) groups(all []Group) (warnings []job.Reason) {
	var locked, unseen, roles []string
	for _, g := range all {
		switch k.orGranted(policyLets(k.policy, user{account: accountOf(g.Role), role: g.Role}), g.Role) {
		case lets:
			continue
		case doesNot:
			locked = append(locked, g.Name)
		case unknown:
			unseen = append(unseen, g.Name)
		}
		if !slices.Contains(roles, g.Role) {
			roles = append(roles, g.Role)
		}
	}
	if len(locked) > 0 {
		warnings = append(warnings, job.Reason{Code: job.KeyNotForGroups, Text: fmt.Sprintf(
			"%s cannot launch the image: key %s of its volumes does not let %s use it", job.FewOf("group", locked, named), k.arn,
			job.Few(roles, 1))})
	}
	if len(unseen) > 0 {
		warnings = append(warnings, job.Reason{Code: job.GroupsUnseen, Text: fmt.Sprintf(
			"whether %s can launch the image could not be seen: of key %s of its volumes the %s",
			job.FewOf("group", unseen, named), k.arn, k.unsure())})
	}
	return warnings
}

// accountOf is the account of a role's ARN.
func accountOf(role string) string {
	parts := strings.Split(role, ":")
	return parts[min(4, len(parts)-1)]
}
