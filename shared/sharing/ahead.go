package sharing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// keysAPI tells how KMS keys are, and who may use them.
type keysAPI interface {
	DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
	GetKeyPolicy(context.Context, *kms.GetKeyPolicyInput, ...func(*kms.Options)) (*kms.GetKeyPolicyOutput, error)
	kms.ListGrantsAPIClient
}

// Lookout says what will come of sharing images, before there are any. One that New did not make asks about each key
// again for each image.
type Lookout struct {
	Organizations Organizations
	Keys          keysAPI
	// Person is whether a person asks: what their credentials may not see the functions may.
	Person bool

	with  map[string]resolved
	known map[string]*key
}

// New is a Lookout that asks about each key and organization once.
func New(o Organizations, k keysAPI) Lookout {
	return Lookout{Organizations: o, Keys: k, with: map[string]resolved{}, known: map[string]*key{}}
}

// resolved is whom a plan shares with, or why that is not known.
type resolved struct {
	with job.Sharing
	err  error
}

// patience is how long KMS and AWS Organizations are asked: an image is not kept waiting for what is only told of it.
const patience = 20 * time.Second

// Ahead is what is certain of sharing an image whose volumes have these KMS keys, and which carries these codes of
// products of AWS Marketplace. problem is why it will not be shared;
// nil where nothing is known that stands in the way. An image that is shared may still need a person: warnings say so.
// What cannot be seen is a warning too, and no error: it keeps no image from being made.
func (l Lookout) Ahead(
	ctx context.Context, s plan.Share, keys, products []string,
) (problem *job.Sharing, warnings []job.Reason) {
	if s.IsZero() {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if l.known == nil {
		l.with, l.known = map[string]resolved{}, map[string]*key{}
	}
	with, problem, unseen := l.shareWith(ctx, s)
	if unseen != "" {
		warnings = append(warnings, job.Reason{Code: job.SharingUnseen, Text: unseen})
	}
	for _, arn := range keys {
		found := l.key(ctx, arn)
		if found.managed {
			return &job.Sharing{
				Problem: "key " + arn + " of its volumes is one that AWS manages, which lets no other account use it",
				Do: "Encrypt the volumes, or a copy of the image, under a customer managed key; then share the plan's images " +
					"(docs/sharing.md).",
			}, nil
		}
		if problem == nil {
			warnings = append(warnings, found.warnings(with)...)
		}
	}
	if problem != nil {
		return problem, nil
	}
	return nil, append(warnings, OfProducts(s, products)...)
}

// OfProducts are the warnings of an image that carries these codes of products of AWS Marketplace, and is shared.
func OfProducts(s plan.Share, products []string) []job.Reason {
	if s.IsZero() || len(products) == 0 {
		return nil
	}
	text := "it carries product code " + strings.Join(products, ", ") +
		" of AWS Marketplace: an account launches it only once it has subscribed to that product"
	if s.Snapshots {
		text += ", and cannot copy it, whatever share.snapshots says"
	}
	return []job.Reason{{Code: job.MarketplaceProduct, Text: text}}
}

// shareWith is whom the plan shares with, what stands in the way for certain, and what could not be seen.
func (l Lookout) shareWith(ctx context.Context, s plan.Share) (with job.Sharing, problem *job.Sharing, unseen string) {
	id := fmt.Sprint(s)
	o, asked := l.with[id]
	if !asked {
		o.with, o.err = With(ctx, l.Organizations, s)
		l.with[id] = o
	}
	switch failed := (*fault.Failed)(nil); {
	case o.err == nil:
		return o.with, nil, ""
	case errors.As(o.err, &failed) && (!l.Person || !fault.IsDenied(o.err)):
		return o.with, &job.Sharing{Problem: fault.Brief(failed.Err), Do: failed.Do}, ""
	default:
		handler.Log(ctx).WarnContext(ctx, "whom images are shared with cannot be looked up", "error", o.err)
		return o.with, nil, "whether it can be shared could not be seen: " + strings.TrimSuffix(fault.Brief(o.err), ".")
	}
}

// key is what is known of a KMS key.
type key struct {
	arn string
	// managed keys are AWS's own for a service: their policies cannot be changed.
	managed bool
	// policy is empty, and unread why, where it could not be read.
	policy, unread string
	// granted are the principals that a grant lets use the key as a launch does, and their accounts.
	granted map[string]bool
}

func (l Lookout) key(ctx context.Context, arn string) *key {
	if k, known := l.known[arn]; known {
		return k
	}
	k := &key{arn: arn, granted: map[string]bool{}}
	l.known[arn] = k
	out, err := l.Keys.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(arn)})
	if err == nil && out.KeyMetadata != nil {
		k.managed = out.KeyMetadata.KeyManager == kmstypes.KeyManagerTypeAws
	}
	if k.managed {
		return k
	}
	policy, err := l.Keys.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: aws.String(arn)})
	if err != nil {
		handler.Log(ctx).WarnContext(ctx, "a key's policy cannot be read", "key", arn, "error", err)
		k.unread = fault.Code(err)
	} else {
		k.policy = aws.ToString(policy.Policy)
	}
	if err := l.grants(ctx, k); err != nil { // Of a key of another account they alone can be read.
		handler.Log(ctx).WarnContext(ctx, "a key's grants cannot be listed", "key", arn, "error", err)
		k.unread = fault.Code(err)
	}
	return k
}

func (l Lookout) grants(ctx context.Context, k *key) error {
	pages := kms.NewListGrantsPaginator(l.Keys, &kms.ListGrantsInput{KeyId: aws.String(k.arn)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, g := range out.Grants {
			principal := aws.ToString(g.GranteePrincipal)
			parts := strings.Split(principal, ":")
			if len(parts) > 4 && slices.Contains(g.Operations, kmstypes.GrantOperationDecrypt) &&
				slices.Contains(g.Operations, kmstypes.GrantOperationCreateGrant) {
				k.granted[parts[4]], k.granted[principal] = true, true
			}
		}
	}
	return nil
}

// warnings are those of an image that is shared and under this key.
func (k *key) warnings(with job.Sharing) (all []job.Reason) {
	locked, unseen := k.not(with)
	if len(locked) > 0 {
		all = append(all, job.Reason{Code: job.KeyNotShared, Text: fmt.Sprintf(
			"%s cannot launch it: key %s of its volumes does not let them use it", job.FewOf("account", locked, named), k.arn)})
	}
	if len(unseen) > 0 {
		all = append(all, job.Reason{Code: job.SharingUnseen, Text: fmt.Sprintf(
			"whether %s may use key %s of its volumes could not be seen: its %s", job.Few(unseen, named), k.arn, k.unsure())})
	}
	return all
}

// unsure is why it is not certain who may use the key.
func (k *key) unsure() string {
	if k.unread != "" {
		return "policy or its grants cannot be read (" + k.unread + ")"
	}
	return "policy and its grants do not say for certain"
}

// not are those that the key does not let use it, and those of which that is not certain.
func (k *key) not(with job.Sharing) (locked, unseen []string) {
	for _, account := range with.Accounts {
		switch k.lets(account) {
		case lets:
		case doesNot:
			locked = append(locked, account)
		case unknown:
			unseen = append(unseen, account)
		}
	}
	for _, arn := range with.Organizations {
		if policyLets(k.policy, userOf(arn)) != lets {
			unseen = append(unseen, arn[strings.LastIndex(arn, "/")+1:])
		}
	}
	return locked, unseen
}

// lets is whether an account may use the key, by its policy or by a grant.
func (k *key) lets(account string) use {
	answer := policyLets(k.policy, user{account: account})
	return k.orGranted(answer, account)
}

// orGranted is what the policy says of a user, unless a grant lets it use the key.
func (k *key) orGranted(said use, principal string) use {
	switch {
	case k.granted[principal]:
		return lets
	case said == doesNot && k.unread != "":
		return unknown
	default:
		return said
	}
}

// userOf is the organization or unit of an ARN.
func userOf(arn string) user {
	parts := strings.Split(arn, "/")
	u := user{organization: parts[min(1, len(parts)-1)]}
	if len(parts) > 2 {
		u.unit = parts[2]
	}
	return u
}

// named is how many accounts a text names at most.
const named = 5
