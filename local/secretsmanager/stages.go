package secretsmanager

import (
	"slices"

	"goldsmith/local/awsjson"
)

type stageInput struct {
	SecretID            string `json:"SecretId"`
	VersionStage        string
	RemoveFromVersionID string `json:"RemoveFromVersionId"`
	MoveToVersionID     string `json:"MoveToVersionId"`
}

type stageOutput struct{ ARN, Name string }

// updateStage moves a staging label, or takes it away. A label that is on a version must be named
// with that version, and AWSCURRENT is always on one (API reference, UpdateSecretVersionStage).
func (s *Store) updateStage(in stageInput) (stageOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(in.SecretID)
	if err != nil {
		return stageOutput{}, err
	}
	var to *version
	if in.MoveToVersionID != "" {
		if to, err = found.version(in.MoveToVersionID, ""); err != nil {
			return stageOutput{}, err
		}
	}
	if err := found.movable(in, to); err != nil {
		return stageOutput{}, err
	}
	found.move(in.VersionStage, to)
	found.changed = s.options.Clock.Now()
	return stageOutput{found.arn, found.name}, nil
}

func (s *secret) movable(in stageInput, to *version) error {
	at := slices.IndexFunc(s.versions, func(v *version) bool { return slices.Contains(v.stages, in.VersionStage) })
	switch {
	case in.VersionStage == "":
		return awsjson.Errorf("InvalidParameterException", "You must provide a value for the VersionStage parameter.")
	case to == nil && in.VersionStage == current:
		return awsjson.Errorf("InvalidParameterException",
			"You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.")
	case to == nil && in.RemoveFromVersionID == "":
		return awsjson.Errorf("InvalidParameterException", "Either RemoveFromVersionId or MoveToVersionId must be specified.")
	case at >= 0 && s.versions[at] != to && in.RemoveFromVersionID != s.versions[at].id:
		return awsjson.Errorf("InvalidParameterException",
			"The parameter RemoveFromVersionId can't be empty. Staging label %s is currently attached to version %s, so you "+
				"must explicitly reference that version in RemoveFromVersionId.", in.VersionStage, s.versions[at].id)
	}
	return s.holding(in.VersionStage, in.RemoveFromVersionID, to)
}

// holding refuses to take a label away from a version that does not have it; the code is unverified.
func (s *secret) holding(stage, from string, to *version) error {
	if from == "" || to != nil && slices.Contains(to.stages, stage) {
		return nil
	}
	v, err := s.version(from, "")
	if err == nil && !slices.Contains(v.stages, stage) {
		err = awsjson.Errorf("InvalidParameterException", "Staging label %s is not attached to version %s.", stage, from)
	}
	return err
}
