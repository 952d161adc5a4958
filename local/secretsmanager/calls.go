package secretsmanager

import (
	"bytes"
	"cmp"
	"slices"

	"goldsmith/local/awsjson"
)

type getInput struct {
	SecretID     string `json:"SecretId"`
	VersionID    string `json:"VersionId"`
	VersionStage string
}

type getOutput struct {
	ARN, Name     string
	VersionID     string  `json:"VersionId"`
	SecretString  *string `json:",omitempty"`
	SecretBinary  []byte  `json:",omitempty"`
	VersionStages []string
	CreatedDate   awsjson.Time
}

func (s *Store) getSecretValue(in getInput) (getOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(in.SecretID)
	if err != nil {
		return getOutput{}, err
	}
	v, err := found.version(in.VersionID, in.VersionStage)
	if err != nil {
		return getOutput{}, err
	}
	return getOutput{
		ARN: found.arn, Name: found.name, VersionID: v.id, SecretString: v.text, SecretBinary: v.binary,
		VersionStages: v.stages, CreatedDate: awsjson.Time(v.created),
	}, nil
}

// version is the one with that id, or that stage; AWSCURRENT by default.
func (s *secret) version(id, stage string) (*version, error) {
	if id == "" {
		stage = cmp.Or(stage, current)
	}
	for _, v := range s.versions {
		if (id == "" || v.id == id) && (stage == "" || slices.Contains(v.stages, stage)) {
			return v, nil
		}
	}
	if id != "" {
		return nil, awsjson.Errorf("ResourceNotFoundException",
			"Secrets Manager can't find the specified secret value for VersionId: %s", id)
	}
	return nil, awsjson.Errorf("ResourceNotFoundException",
		"Secrets Manager can't find the specified secret value for staging label: %s", stage)
}

type createInput struct {
	Name, ClientRequestToken, Description string
	SecretString                          *string
	SecretBinary                          []byte
}

type createOutput struct {
	ARN, Name string
	VersionID string `json:"VersionId,omitempty"`
}

func (s *Store) createSecret(in createInput) (createOutput, error) {
	if err := cmp.Or(checkName(in.Name), checkValue(in.SecretString, in.SecretBinary, in.ClientRequestToken)); err != nil {
		return createOutput{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &version{id: in.ClientRequestToken, text: in.SecretString, binary: in.SecretBinary}
	if found, ok := s.secrets[in.Name]; ok {
		if done, err := found.version(v.id, ""); err == nil && v.id != "" && done.same(v) {
			return createOutput{ARN: found.arn, Name: found.name, VersionID: v.id}, nil
		}
		return createOutput{}, awsjson.Errorf("ResourceExistsException",
			"The operation failed because the secret %s already exists.", in.Name)
	}
	made := s.make(in.Name, in.Description)
	out := createOutput{ARN: made.arn, Name: made.name}
	if v.text != nil || v.binary != nil {
		s.stage(made, v, current)
		out.VersionID = v.id
	}
	return out, nil
}

func (v *version) same(other *version) bool {
	text := v.text == nil && other.text == nil || v.text != nil && other.text != nil && *v.text == *other.text
	return text && bytes.Equal(v.binary, other.binary)
}

type putInput struct {
	SecretID           string `json:"SecretId"`
	ClientRequestToken string
	SecretString       *string
	SecretBinary       []byte
	VersionStages      []string
}

type putOutput struct {
	ARN, Name     string
	VersionID     string `json:"VersionId"`
	VersionStages []string
}

// putSecretValue does nothing when the token's version holds the same value
// already, and refuses when it holds another.
func (s *Store) putSecretValue(in putInput) (putOutput, error) {
	if in.SecretString == nil && in.SecretBinary == nil {
		return putOutput{}, awsjson.Errorf("InvalidRequestException", "You must provide either SecretString or SecretBinary.")
	}
	if err := checkValue(in.SecretString, in.SecretBinary, in.ClientRequestToken); err != nil {
		return putOutput{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(in.SecretID)
	if err != nil {
		return putOutput{}, err
	}
	v := &version{id: in.ClientRequestToken, text: in.SecretString, binary: in.SecretBinary}
	done, missing := found.version(v.id, "")
	switch {
	case v.id == "" || missing != nil:
		labels := in.VersionStages
		if len(labels) == 0 || len(found.versions) == 0 {
			labels = append(slices.Clone(labels), current)
		}
		s.stage(found, v, labels...)
	case !done.same(v):
		return putOutput{}, awsjson.Errorf("ResourceExistsException",
			"You can't use ClientRequestToken %s because that value is already in use for a version of secret %s.", v.id,
			found.arn)
	default:
		v = done
	}
	return putOutput{ARN: found.arn, Name: found.name, VersionID: v.id, VersionStages: v.stages}, nil
}

type describeInput struct {
	SecretID string `json:"SecretId"`
}

type describeOutput struct {
	ARN, Name          string
	Description        string `json:",omitempty"`
	CreatedDate        awsjson.Time
	LastChangedDate    awsjson.Time        `json:",omitzero"`
	VersionIDsToStages map[string][]string `json:"VersionIdsToStages,omitempty"`
}

func (s *Store) describeSecret(in describeInput) (describeOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(in.SecretID)
	if err != nil {
		return describeOutput{}, err
	}
	out := describeOutput{
		ARN: found.arn, Name: found.name, Description: found.description,
		CreatedDate: awsjson.Time(found.created), LastChangedDate: awsjson.Time(found.changed),
		VersionIDsToStages: map[string][]string{},
	}
	for _, v := range found.versions {
		if len(v.stages) > 0 {
			out.VersionIDsToStages[v.id] = v.stages
		}
	}
	return out, nil
}
