package ec2

import (
	"slices"
	"strings"

	"goldsmith/local/query"
)

// Consumer is another account, and where it is in an organization: the ARNs of that and of the units above the account.
type Consumer struct {
	Account      string
	Organization string
	Units        []string
	// Subscribed are the codes of the products of AWS Marketplace that it has subscribed to.
	Subscribed []string
}

// CloseAccount has EC2 refuse to share with an account, by a code and words of the error code reference
// (InvalidAMIAttributeItemValue). Which accounts EC2 knows of is unverified.
func (w *World) CloseAccount(id string) {
	w.lock()
	defer w.unlock()
	w.closed[id] = true
}

// LaunchBy is why another account could not launch an image now; nil when it could. It launches as that account's
// administrator, so that the owner's permissions alone decide.
func (w *World) LaunchBy(c Consumer, imageID string) error {
	w.lock()
	img := w.images.get(imageID)
	if img == nil || !slices.ContainsFunc(img.permissions(), c.has) {
		w.unlock()
		return unknownImage(imageID)
	}
	state, keys, products := img.state, w.keysOf(img), img.products
	w.unlock()
	if state != imageAvailable {
		return query.Errorf("InvalidAMIID.Unavailable", "The image ID '%s' is no longer available", imageID)
	}
	if err := c.subscribed(products); err != nil {
		return err
	}
	for _, key := range keys {
		if !w.useBy(c, key) {
			return query.Errorf("Client.InternalError", "Client error on launch")
		}
	}
	return nil
}

// CopyBy is why another account could not copy an image's snapshots now; nil when it could.
func (w *World) CopyBy(c Consumer, imageID string) error {
	if err := w.LaunchBy(c, imageID); err != nil {
		return err
	}
	w.lock()
	defer w.unlock()
	if err := elsewhere(w.images.get(imageID).products); err != nil {
		return err
	}
	for _, m := range w.images.get(imageID).mappings {
		s := w.snapshots.get(m.snapshotID)
		if s != nil && !slices.ContainsFunc(s.permitted, c.has) {
			return query.Errorf("InvalidRequest", "You do not have permission to access the storage of this ami")
		}
	}
	return nil
}

func (c Consumer) has(p permission) bool {
	return p.group == "all" || p.user == c.Account || p.organization != "" && p.organization == c.Organization ||
		p.unit != "" && slices.Contains(c.Units, p.unit)
}

func (w *World) keysOf(img *image) (keys []string) {
	for _, m := range img.mappings {
		if s := w.snapshots.get(m.snapshotID); s != nil && s.encrypted && !slices.Contains(keys, s.kmsKey) {
			keys = append(keys, s.kmsKey)
		}
	}
	return keys
}

// launchUses are what a launch from snapshots of another account does with their key (EC2 User Guide, "Share an AMI
// with specific AWS accounts", "Share a KMS key").
var launchUses = []string{"kms:DescribeKey", "kms:Decrypt", "kms:ReEncryptFrom", "kms:CreateGrant"}

func (w *World) useBy(c Consumer, key string) bool {
	policy, grants := w.KeyUsers(key)
	if w.isDefaultKey(key) {
		return false
	}
	lets := func(action string) bool {
		return mayUse(policy, keyRequest{account: c.Account, action: action, keys: w.contextOf(c, action)}) ||
			slices.ContainsFunc(grants, func(g Grant) bool {
				return strings.Contains(g.Principal, ":"+c.Account+":") &&
					slices.Contains(g.Operations, strings.TrimPrefix(action, "kms:"))
			})
	}
	return !slices.ContainsFunc(launchUses, func(action string) bool { return !lets(action) })
}

// Lets reports whether a key policy alone lets another account do all that a launch does with the key, through EC2.
func Lets(policy string, c Consumer) bool {
	w := World{options: Options{Region: "eu-central-1"}}
	return !slices.ContainsFunc(launchUses, func(action string) bool {
		return !mayUse(policy, keyRequest{account: c.Account, action: action, keys: w.contextOf(c, action)})
	})
}

func (w *World) contextOf(c Consumer, action string) map[string][]string {
	keys := map[string][]string{
		"kms:calleraccount": {c.Account}, "kms:viaservice": {"ec2." + w.options.Region + ".amazonaws.com"},
	}
	if action == "kms:CreateGrant" {
		keys["kms:grantisforawsresource"] = []string{"true"}
	}
	if id := c.Organization[strings.LastIndex(c.Organization, "/")+1:]; id != "" {
		keys["aws:principalorgid"] = []string{id}
		place := id + "/r-root/"
		for _, unit := range c.Units {
			place += unit[strings.LastIndex(unit, "/")+1:] + "/"
		}
		keys["aws:principalorgpaths"] = []string{place}
	}
	return keys
}
