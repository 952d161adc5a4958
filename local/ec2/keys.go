package ec2

import (
	"fmt"
	"strings"

	"goldsmith/local/draw"
)

// KeyState is whether a KMS key can be used by those who start and launch instances.
type KeyState int

// What can be the matter with a key. Those from KeyDisabled to KeyUnavailable are states that KMS shows
// (AWS KMS developer guide, "Key states of AWS KMS keys").
const (
	KeyUsable KeyState = iota
	KeyDisabled
	KeyPendingDeletion
	KeyPendingImport
	KeyUnavailable
	KeyDeleted
	KeyNoGrant // the caller of EC2 may not create a grant on it
	KeyHidden  // it may be used, and the caller of KMS may not look at it
)

// DefaultKey is the ARN of the account's key for EBS, alias aws/ebs.
func (w *World) DefaultKey() string {
	id := draw.Of(0, "aws/ebs", w.options.Account, w.options.Region).Number()
	return w.keyARN(fmt.Sprintf("00000000-0000-4000-8000-%012x", id>>16))
}

func (w *World) keyARN(id string) string {
	return "arn:aws:kms:" + w.options.Region + ":" + w.options.Account + ":key/" + id
}

func (w *World) isDefaultKey(key string) bool { return key == w.DefaultKey() }

// SetKey says what is the matter with a key, by its ARN, from now on.
func (w *World) SetKey(key string, state KeyState) {
	w.lock()
	defer w.unlock()
	w.keys[key] = state
}

// KeyIs is what is the matter with a key, by its ARN. known is false of one that no volume and no snapshot has, and
// that SetKey was not told of.
func (w *World) KeyIs(key string) (state KeyState, known bool) {
	w.lock()
	defer w.unlock()
	if state, known = w.keys[key]; known || key == w.DefaultKey() {
		return state, true
	}
	for _, v := range w.volumes.present {
		known = known || v.encrypted && v.kmsKey == key
	}
	for _, s := range w.snapshots.present {
		known = known || s.kmsKey == key
	}
	return KeyUsable, known
}

// KeyNamed is the ARN of the key that an id, an ARN or an alias names.
func (w *World) KeyNamed(named string) string { return w.keyFor(named) }

// keyFor is the ARN of the key that a request names by id, ARN or alias; without a name it is
// the default key. Describes show the ARN of the key, whatever the request said (API reference,
// Volume, KmsKeyId).
func (w *World) keyFor(named string) string {
	alias, isAlias := strings.CutPrefix(named[strings.LastIndex(named, ":")+1:], "alias/")
	switch {
	case named == "", isAlias && alias == "aws/ebs":
		return w.DefaultKey()
	case isAlias:
		return w.keyARN(fmt.Sprintf("00000000-0000-4000-9000-%012x", draw.Of(0, alias).Number()>>16))
	case isARN(named):
		return named
	}
	return w.keyARN(named)
}

// lacksKey is why an instance with these volumes does not come up. EC2 says yes to the call and
// gives up a moment later (re:Post knowledge center, "encrypted-volumes-stops-immediately" and
// "kms-iam-ec2-permission"; the code for a disabled key is in the User Guide, "Troubleshoot
// instance launch issues").
func (w *World) lacksKey(devices []attachment) (reason, bool) {
	for _, a := range devices {
		v := w.volumes.get(a.volumeID)
		if v == nil || !v.encrypted {
			continue
		}
		switch w.keys[v.kmsKey] {
		case KeyDisabled, KeyPendingDeletion, KeyPendingImport, KeyUnavailable, KeyDeleted:
			return reason{"Client.InvalidKMSKey.InvalidState",
				"Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state"}, true
		case KeyNoGrant:
			return reason{"Client.InternalError", "Client.InternalError: Client error on launch"}, true
		case KeyUsable, KeyHidden:
		}
	}
	return reason{}, false
}

// usableKey reports whether a key of this Region can be used: none of another Region can (EBS User Guide, "How Amazon
// EBS encryption works").
func (w *World) usableKey(arn string) bool {
	parts := strings.Split(arn, ":")
	state := w.keys[arn]
	return (len(parts) < 6 || parts[3] == w.options.Region) && (state == KeyUsable || state == KeyHidden)
}

// keyOf is the key of an encrypted volume: the one named, else its snapshot's, else the default
// key (EBS User Guide, "How Amazon EBS encryption works").
func (w *World) keyOf(encrypted bool, named, snapshotID string) string {
	if !encrypted {
		return ""
	}
	if s := w.snapshots.get(snapshotID); named == "" && s != nil && s.kmsKey != "" {
		return s.kmsKey
	}
	return w.keyFor(named)
}
