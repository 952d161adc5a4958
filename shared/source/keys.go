package source

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
)

// describer tells how KMS keys are.
type describer interface {
	DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
}

// Keys are what is known of the keys of volumes.
type Keys struct {
	KMS describer
	// Granted are the ARNs of the keys on which who starts instances may make grants, which may end in an asterisk.
	Granted []string
	// Anyone is whether it is not known on which keys that may be done.
	Anyone bool
}

// Listed are the keys of a setting, which separates them by commas; "off" is none.
func Listed(setting string) []string {
	return strings.FieldsFunc(setting, func(r rune) bool { return r == ',' })
}

// mayOpen reports whether who starts instances may make a grant on the key, as far as the deployment says it.
func (k Keys) mayOpen(key string) bool {
	return k.Anyone || slices.ContainsFunc(k.Granted, func(granted string) bool {
		begin, every := strings.CutSuffix(granted, "*")
		return granted == key || every && strings.HasPrefix(key, begin)
	})
}

// Locked are those of the instances that EC2 could not start after a stop, since a key of their volumes cannot be
// used: EC2 says yes to such a start and takes it back, so that no dry run tells (re:Post knowledge center,
// "encrypted-volumes-stops-immediately"). Each key is asked about once. unseen are those whose keys cannot be looked
// at.
// The caller of StartInstances makes a grant on each customer key. kms:CreateGrant is allowed to it through EC2 only,
// and no call asks for that: what the deployment lists is what counts.
func Locked(ctx context.Context, keys Keys, facts []Facts) (refused map[string]job.Reason, unseen []string, err error) {
	refused, asked := map[string]job.Reason{}, map[string]keyFound{}
	for _, f := range facts {
		id := aws.ToString(f.Instance.InstanceId)
		if len(f.Unread) > 0 {
			refused[id] = job.Reason{Code: job.CannotStart,
				Text: "whether EC2 would start it again is not known: EC2 does not " +
					"say under which key its volume " + job.Few(f.Unread, 1) + " is encrypted, if at all"}
		}
		for _, key := range f.Keys {
			found, known := asked[key]
			if !known {
				if found, err = keys.look(ctx, key); err != nil {
					return nil, nil, err
				}
				asked[key] = found
			}
			if found.unseen && !slices.Contains(unseen, id) {
				unseen = append(unseen, id)
			}
			if found.wrong != "" {
				refused[id] = job.Reason{Code: job.CannotStart, Text: "EC2 would not start it again: " + found.wrong}
			}
		}
	}
	return refused, unseen, nil
}

// keyFound is why a key cannot be used, or that it cannot be seen. The zero value is a key that can be used.
type keyFound struct {
	wrong  string
	unseen bool
}

// unusable are the states in which a key can be used for nothing, each with what a person does about it
// (AWS KMS developer guide, "Key states of AWS KMS keys").
var unusable = map[kmstypes.KeyState]string{
	kmstypes.KeyStateDisabled:               "Enable it",
	kmstypes.KeyStatePendingDeletion:        "Cancel its deletion and enable it",
	kmstypes.KeyStatePendingReplicaDeletion: "Cancel its deletion and enable it",
	kmstypes.KeyStatePendingImport:          "Import its key material again",
	kmstypes.KeyStateUnavailable:            "Connect its custom key store again",
}

func (k Keys) look(ctx context.Context, key string) (found keyFound, err error) {
	out, err := k.KMS.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(key)})
	switch {
	case fault.IsTransient(err):
		return found, fmt.Errorf("looking at key %s: %w", key, err)
	case fault.IsNoKey(err):
		return keyFound{wrong: "key " + key + " of its volumes does not exist any more"}, nil
	case err != nil:
		handler.Log(ctx).WarnContext(ctx, "a key cannot be looked at", "key", key, "error", err)
		return k.unseen(key), nil
	case out.KeyMetadata == nil:
		return k.unseen(key), nil
	}
	state := out.KeyMetadata.KeyState
	if what, wrong := unusable[state]; wrong {
		return keyFound{wrong: fmt.Sprintf("key %s of its volumes is in state %s. %s", key, state, what)}, nil
	}
	// Who may start instances may use AWS's own key through EC2 (KMS developer guide, "AWS managed keys").
	if out.KeyMetadata.KeyManager != kmstypes.KeyManagerTypeAws && !k.mayOpen(key) {
		return unlisted(key), nil
	}
	// Creating and Updating last for a moment; a key whose state is none of ours may be usable.
	return keyFound{unseen: state != kmstypes.KeyStateEnabled}, nil
}

// unseen is a key that cannot be looked at. AWS's own can always be, so it is a customer's.
func (k Keys) unseen(key string) keyFound {
	if !k.mayOpen(key) {
		return unlisted(key)
	}
	return keyFound{unseen: true}
}

// unlisted is a customer key on which function start may make no grant.
func unlisted(key string) keyFound {
	return keyFound{wrong: "function start may make no grant on key " + key + " of its volumes, which the setting " +
		"kmsKeys does not list. List it there, and deploy again"}
}

// keyUnseen is for those whose keys cannot be looked at: a key's own policy may keep it from this account.
func keyUnseen(f Facts) string {
	if f.KeyUnseen && f.Stops() {
		return "whether the KMS keys of its volumes can be used could not be seen"
	}
	return ""
}
