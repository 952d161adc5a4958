package secretsmanager_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// API reference, PutSecretValue (VersionStages) and UpdateSecretVersionStage.
func TestStages(t *testing.T) {
	_, c, _ := newScene()
	made, err := c.CreateSecret(t.Context(),
		&sdk.CreateSecretInput{Name: aws.String(name), SecretString: aws.String("one")})
	if err != nil {
		t.Fatal(err)
	}
	pending, err := c.PutSecretValue(t.Context(),
		&sdk.PutSecretValueInput{SecretId: made.ARN, SecretString: aws.String("two"), VersionStages: []string{"AWSPENDING"}})
	if err != nil {
		t.Fatal(err)
	}
	stage := func(label string) string {
		return get(t, c, &sdk.GetSecretValueInput{SecretId: made.ARN, VersionStage: &label})
	}
	if stage("AWSCURRENT") != "one" || stage("AWSPENDING") != "two" {
		t.Errorf("current %s, pending %s", stage("AWSCURRENT"), stage("AWSPENDING"))
	}
	move := func(to, from *string) string {
		_, err := c.UpdateSecretVersionStage(t.Context(), &sdk.UpdateSecretVersionStageInput{
			SecretId: made.ARN, VersionStage: aws.String("AWSCURRENT"), MoveToVersionId: to, RemoveFromVersionId: from,
		})
		return code(err)
	}
	if got := move(pending.VersionId, nil); got != "InvalidParameterException" {
		t.Errorf("without saying where it is: %s", got)
	}
	if got := move(nil, made.VersionId); got != "InvalidParameterException" {
		t.Errorf("taken away: %s", got)
	}
	if got := move(pending.VersionId, made.VersionId); got != "<nil>" {
		t.Errorf("moved: %s", got)
	}
	if stage("AWSCURRENT") != "two" || stage("AWSPREVIOUS") != "one" {
		t.Errorf("current %s, previous %s", stage("AWSCURRENT"), stage("AWSPREVIOUS"))
	}
}
