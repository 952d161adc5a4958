// Package secretsmanager is the embedded Secrets Manager: secrets with
// versions and the staging labels AWSCURRENT and AWSPREVIOUS.
package secretsmanager

import (
	"crypto/sha256"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"goldsmith/local/awsjson"
	"goldsmith/local/clock"
	"goldsmith/local/query"
)

// Options set a Store up. Clock, Region and Account are required.
type Options struct {
	Clock   *clock.Clock
	Region  string
	Account string
	Log     *query.Log
}

// Store holds the secrets of one account in one Region. It is safe for concurrent use.
type Store struct {
	options Options
	service *awsjson.Service

	mu      sync.Mutex
	secrets map[string]*secret
}

type secret struct {
	name, arn, description string
	created, changed       time.Time
	versions               []*version
}

type version struct {
	id      string
	text    *string
	binary  []byte
	stages  []string
	created time.Time
}

const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
)

// New is a Secrets Manager without secrets.
func New(o Options) *Store {
	s := &Store{options: o, secrets: map[string]*secret{}}
	s.service = &awsjson.Service{Name: "secretsmanager", Target: "secretsmanager", Clock: o.Clock, Log: o.Log,
		Operations: map[string]awsjson.Operation{
			"GetSecretValue": awsjson.Op(s.getSecretValue,
				func(in getInput) []string { return []string{in.SecretID} }),
			"CreateSecret": awsjson.Op(s.createSecret, func(in createInput) []string { return []string{in.Name} }),
			"PutSecretValue": awsjson.Op(s.putSecretValue,
				func(in putInput) []string { return []string{in.SecretID} }),
			"UpdateSecretVersionStage": awsjson.Op(s.updateStage, func(in stageInput) []string { return []string{in.SecretID} }),
			"DescribeSecret": awsjson.Op(s.describeSecret,
				func(in describeInput) []string { return []string{in.SecretID} }),
		}}
	return s
}

// ServeHTTP answers one call of Secrets Manager's API.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.service.ServeHTTP(w, r) }

// Put sets a secret's current value, making the secret if need be.
func (s *Store) Put(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.secrets[name]
	if !ok {
		found = s.make(name, "")
	}
	s.stage(found, &version{text: &value}, current)
}

// make adds a secret without a value. It is called with the lock held.
func (s *Store) make(name, description string) *secret {
	made := &secret{
		name: name, description: description, created: s.options.Clock.Now(),
		arn: fmt.Sprintf("arn:aws:secretsmanager:%s:%s:secret:%s-%s", s.options.Region, s.options.Account, name,
			suffix(name)),
	}
	s.secrets[name] = made
	return made
}

// suffix is the six characters Secrets Manager ends an ARN with.
func suffix(name string) string {
	sum := sha256.Sum256([]byte(name))
	text := new(big.Int).SetBytes(sum[:]).Text(62)
	return text[:6]
}

// stage adds a version under staging labels. It is called with the lock held.
func (s *Store) stage(to *secret, v *version, labels ...string) {
	v.created = s.options.Clock.Now()
	to.changed = v.created
	if v.id == "" {
		v.id = fmt.Sprintf("00000000-0000-4000-8000-%012x", len(to.versions)+1)
	}
	to.versions = append(to.versions, v)
	for _, label := range labels {
		to.move(label, v)
	}
}

// move puts a staging label on one version alone. The version that loses AWSCURRENT gets AWSPREVIOUS
// (API reference, UpdateSecretVersionStage and PutSecretValue).
func (s *secret) move(label string, to *version) {
	for _, old := range s.versions {
		if old == to || !slices.Contains(old.stages, label) {
			continue
		}
		old.stages = without(old.stages, label)
		if label == current {
			s.move(previous, old)
		}
	}
	if to != nil && !slices.Contains(to.stages, label) {
		to.stages = append(slices.Clone(to.stages), label)
	}
}

func without(labels []string, label string) []string {
	return slices.DeleteFunc(slices.Clone(labels), func(l string) bool { return l == label })
}

// find is the secret with a name, an ARN, or an ARN without its last six
// characters. It is called with the lock held.
func (s *Store) find(id string) (*secret, error) {
	if id == "" {
		return nil, awsjson.Errorf("InvalidParameterException", "You must provide a value for the SecretId parameter.")
	}
	if found, ok := s.secrets[id]; ok {
		return found, nil
	}
	for _, each := range s.secrets {
		if id == each.arn || strings.HasPrefix(id, "arn:") && id == each.arn[:len(each.arn)-len("-123456")] {
			return each, nil
		}
	}
	return nil, awsjson.Errorf("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}
