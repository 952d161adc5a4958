package ssm_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"
)

// answer is what GetParameter answers: the name that is shown and the value, or the error's code.
func (s *scene) answer(t *testing.T, name string, decrypted bool) string {
	t.Helper()
	out, err := s.GetParameter(t.Context(), &sdk.GetParameterInput{Name: &name, WithDecryption: &decrypted})
	if err != nil {
		return code(err)
	}
	return aws.ToString(out.Parameter.Name) + "=" + aws.ToString(out.Parameter.Value)
}

// User Guide, "Creating Parameter Store parameters": a slash before a name without levels makes no difference.
func TestANameWithoutLevelsIsOneWithItsSlash(t *testing.T) {
	s := newScene()
	if _, err := s.put(t, "plain", "1"); err != nil {
		t.Fatal(err)
	}
	if n, err := s.put(t, "/plain", "2"); err != nil || n != 2 {
		t.Errorf("version %d, %v", n, err)
	}
	for _, name := range []string{"plain", "/plain", "arn:aws:ssm:eu-west-1:123456789012:parameter/plain"} {
		if got := s.answer(t, name, false); got != "plain=2" {
			t.Errorf("%s: %s", name, got)
		}
	}
	_, err := s.DeleteParameter(t.Context(), &sdk.DeleteParameterInput{Name: aws.String("/plain")})
	if err != nil || s.answer(t, "plain", false) != "ParameterNotFound" {
		t.Error(err, s.answer(t, "plain", false))
	}
}

// API reference, GetParameter: WithDecryption.
func TestASecureStringStaysCiphertext(t *testing.T) {
	s := newScene()
	if _, err := s.put(t, "/a/secret", "open",
		func(in *sdk.PutParameterInput) { in.Type = types.ParameterTypeSecureString }); err != nil {
		t.Fatal(err)
	}
	if got := s.answer(t, "/a/secret", true); got != "/a/secret=open" {
		t.Errorf("decrypted: %s", got)
	}
	if got := s.answer(t, "/a/secret", false); got == "/a/secret=open" {
		t.Error("it can be read without being decrypted")
	}
	out, err := s.GetParametersByPath(t.Context(), &sdk.GetParametersByPathInput{Path: aws.String("/a")})
	if err != nil || aws.ToString(out.Parameters[0].Value) == "open" {
		t.Error("by path it can be read without being decrypted", err)
	}
}

// API reference, GetParametersByPath.
func TestThePathOfAllParameters(t *testing.T) {
	s := newScene()
	for _, name := range []string{"plain", "/a", "/b/c"} {
		if _, err := s.put(t, name, "x"); err != nil {
			t.Fatal(err)
		}
	}
	for deep, want := range map[bool][]string{true: {"/a", "/b/c", "plain"}, false: {"/a", "plain"}} {
		out, err := s.GetParametersByPath(t.Context(), &sdk.GetParametersByPathInput{Path: aws.String("/"), Recursive: &deep})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, p := range out.Parameters {
			names = append(names, aws.ToString(p.Name))
		}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("recursive %t: %s", deep, diff)
		}
	}
}

// User Guide, "Working with parameter labels" and "Working with parameter versions".
func TestLabelsAndAHundredVersions(t *testing.T) {
	s := newScene()
	write := func(n int) error {
		_, err := s.put(t, "/a/b", fmt.Sprint(n))
		return err
	}
	label := func(version int64, labels ...string) []string {
		out, err := s.LabelParameterVersion(t.Context(),
			&sdk.LabelParameterVersionInput{Name: aws.String("/a/b"), ParameterVersion: &version, Labels: labels})
		if err != nil {
			t.Fatal(err)
		}
		return out.InvalidLabels
	}
	for n := range 100 {
		s.mustPut(t, n+1)
	}
	if bad := label(1, "live", "1st", "aws-x"); len(bad) != 2 {
		t.Errorf("refused labels: %v", bad)
	}
	if got := s.answer(t, "/a/b:live", false); got != "/a/b=1" {
		t.Errorf("live is %s", got)
	}
	if got := code(write(101)); got != "ParameterMaxVersionLimitExceeded" {
		t.Errorf("version 101: %s", got)
	}
	label(100, "live")
	if err := write(101); err != nil || s.answer(t, "/a/b:live", false) != "/a/b=100" ||
		s.answer(t, "/a/b:1", false) != "ParameterVersionNotFound" {
		t.Error(err, s.answer(t, "/a/b:live", false), s.answer(t, "/a/b:1", false))
	}
	s.wantHistory(t)
}

func (s *scene) mustPut(t *testing.T, n int) {
	t.Helper()
	if _, err := s.put(t, "/a/b", fmt.Sprint(n)); err != nil {
		t.Fatal(err)
	}
}

func (s *scene) wantHistory(t *testing.T) {
	t.Helper()
	out, err := s.GetParameterHistory(t.Context(), &sdk.GetParameterHistoryInput{Name: aws.String("/a/b")})
	if err != nil || len(out.Parameters) != 50 || out.Parameters[0].Version != 2 || out.NextToken == nil {
		t.Error(err, out)
	}
}
