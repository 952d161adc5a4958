package ec2

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"goldsmith/local/query"
)

// keyPair is a key pair of the account. Nothing logs in here, so a made one has no key behind
// its material.
type keyPair struct {
	id, name, fingerprint, kind string
	created                     time.Time
}

func describeKeyPairs(w *World, call *query.Call) error {
	var pairs []keyPair
	for _, name := range slices.Sorted(maps.Keys(w.keyPairs)) {
		pairs = append(pairs, w.keyPairs[name])
	}
	return answer(w, call, "keySet", "KeyName", pairs, filterable[keyPair]{
		"key-name":    one(func(k *keyPair) string { return k.name }),
		"key-pair-id": one(func(k *keyPair) string { return k.id }),
		"fingerprint": one(func(k *keyPair) string { return k.fingerprint }),
	}, "InvalidKeyPair.NotFound", func(out *query.Writer, k *keyPair) {
		k.write(out)
		out.Text("keyType", k.kind)
		out.Time("createTime", k.created)
	}, func(k *keyPair) string { return k.name })
}

func (k *keyPair) write(out *query.Writer) {
	out.Text("keyPairId", k.id)
	out.Text("keyName", k.name)
	out.Text("keyFingerprint", k.fingerprint)
}

func createKeyPair(w *World, call *query.Call) error {
	k, err := w.newKeyPair(call.Params.Text("KeyName"), orElse(call.Params.Text("KeyType"), "rsa"), "")
	if err != nil {
		return err
	}
	if err := call.Commit(); err != nil {
		return err
	}
	w.keyPairs[k.name] = k
	k.write(call.Out)
	call.Out.Text("keyMaterial",
		"-----BEGIN RSA PRIVATE KEY-----\nThe embedded EC2 makes no keys.\n-----END RSA PRIVATE KEY-----")
	return nil
}

func importKeyPair(w *World, call *query.Call) error {
	material := call.Params.Text("PublicKeyMaterial")
	sent, err := base64.StdEncoding.DecodeString(material)
	kind := importable(string(sent))
	if err != nil || kind == "" {
		return query.Errorf("InvalidKey.Format", "Key is not in valid OpenSSH public key format")
	}
	k, err := w.newKeyPair(call.Params.Text("KeyName"), kind, material)
	if err != nil {
		return err
	}
	if err := call.Commit(); err != nil {
		return err
	}
	w.keyPairs[k.name] = k
	k.write(call.Out)
	return nil
}

// importable is the type of the key pair that material in the OpenSSH public key format makes; none of other
// material. EC2 takes keys of type RSA and ED25519 (API reference, ImportKeyPair).
func importable(material string) string {
	fields := strings.Fields(material)
	if len(fields) < 2 {
		return ""
	}
	return map[string]string{"ssh-rsa": "rsa", "ssh-ed25519": "ed25519"}[fields[0]]
}

// newKeyPair has a fingerprint of what it is made from.
func (w *World) newKeyPair(name, kind, from string) (keyPair, error) {
	if name == "" {
		return keyPair{}, missing("KeyName")
	}
	if _, taken := w.keyPairs[name]; taken {
		return keyPair{}, query.Errorf("InvalidKeyPair.Duplicate", "The keypair already exists")
	}
	print := fmt.Sprintf("%016x%016x", w.draw("key", name+from).Number(), w.draw("key", name+kind+from).Number())
	for n := len(print) - 2; n > 0; n -= 2 {
		print = print[:n] + ":" + print[n:]
	}
	return keyPair{w.newID("key", name), name, print, kind, w.now}, nil
}

// deleteKeyPair succeeds whether or not there is one (API reference).
func deleteKeyPair(w *World, call *query.Call) error {
	name, id := call.Params.Text("KeyName"), call.Params.Text("KeyPairId")
	if name == "" && id == "" {
		return missing("KeyName")
	}
	if err := call.Commit(); err != nil {
		return err
	}
	maps.DeleteFunc(w.keyPairs, func(_ string, k keyPair) bool { return k.name == name || k.id == id })
	call.Out.Bool("return", true)
	return nil
}
