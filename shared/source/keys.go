package source

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
)

// Keys tells how KMS keys are.
type Keys interface {
	DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
}

// Locked are those of the instances that EC2 could not start after a stop, since a key of their volumes cannot be
// used: EC2 says yes to such a start and takes it back, so that no dry run tells (re:Post knowledge center,
// "encrypted-volumes-stops-immediately"). Each key is asked about once. unseen are those whose keys cannot be looked
// at.
// Whether the caller of StartInstances may make a grant on a key is not seen: kms:CreateGrant is allowed to it through
// EC2 only, and no call asks for that.
func Locked(ctx context.Context, keys Keys, facts []Facts) (refused map[string]job.Reason, unseen []string, err error) {
	refused, asked := map[string]job.Reason{}, map[string]keyFound{}
	for _, f := range facts {
		id := aws.ToString(f.Instance.InstanceId)
		for _, key := range f.Keys {
			found, known := asked[key]
			if !known {
				if found, err = lookAtKey(ctx, keys, key); err != nil {
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

func lookAtKey(ctx context.Context, keys Keys, key string) (found keyFound, err error) {
	out, err := keys.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(key)})
	switch {
	case fault.IsTransient(err):
		return found, fmt.Errorf("looking at key %s: %w", key, err)
	case fault.IsNoKey(err):
		return keyFound{wrong: "key " + key + " of its volumes does not exist any more"}, nil
	case err != nil:
		handler.Log(ctx).WarnContext(ctx, "a key cannot be looked at", "key", key, "error", err)
		return keyFound{unseen: true}, nil
	case out.KeyMetadata == nil:
		return keyFound{unseen: true}, nil
	}
	state := out.KeyMetadata.KeyState
	if what, wrong := unusable[state]; wrong {
		return keyFound{wrong: fmt.Sprintf("key %s of its volumes is in state %s. %s", key, state, what)}, nil
	}
	// Creating and Updating last for a moment; a key whose state is none of ours may be usable.
	return keyFound{unseen: state != kmstypes.KeyStateEnabled}, nil
}

// keyUnseen is for those whose keys cannot be looked at: a key's own policy may keep it from this account.
func keyUnseen(f Facts) string {
	if f.KeyUnseen && f.Stops() {
		return "whether the KMS keys of its volumes can be used could not be seen"
	}
	return ""
}
