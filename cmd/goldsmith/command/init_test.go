package command_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/cmd/goldsmith/command"
	"goldsmith/shared/tag"
)

// carrying gives an instance other tags.
func carrying(tags map[string]string) func(*sdk.RunInstancesInput) {
	return func(in *sdk.RunInstancesInput) {
		in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: tag.List(tags)}}
	}
}

func TestInit(t *testing.T) {
	dir := t.TempDir()
	golden := func(s *scene, name string) {
		s.Helper()
		path := filepath.Join(dir, name+".yaml")
		got := s.types("init", path)
		got.out = strings.ReplaceAll(got.out, dir, "team")
		s.golden(name, got, command.OK)
		text, err := os.ReadFile(path)
		s.must(err)
		compare(s.T, name+"-file", said{out: string(text)}, 0)
		if got := s.types("check", path); got.code != command.OK {
			s.Errorf("check says %d:\n%s%s", got.code, got.out, got.err)
		}
		if again := s.types("init", path); again.code != command.Misused {
			s.Errorf("a second time it ends with %d: %s%s", again.code, again.out, again.err)
		}
		if after, err := os.ReadFile(path); err != nil || !slices.Equal(after, text) {
			s.Errorf("the file was written over: %v", err)
		}
	}
	play(t, func(s *scene) {
		s.bare = true
		golden(s, "init-bare")
		s.launch("web", carrying(map[string]string{"Name": "web\n  evil: true", "Environment": "prod"}))
		s.launch("mail", carrying(map[string]string{"Name": "mail", "Environment": "test"}))
		golden(s, "init-environments")
		s.launch("db", carrying(map[string]string{"Name": "db", tag.Plan: "weekly,yes"}))
		golden(s, "init-enrolled")
		if got := s.types("init", filepath.Join(dir, "none", "plans.yaml")); got.code != command.Broken {
			s.Errorf("where nothing can be written it ends with %d: %s", got.code, got.err)
		}
		if changed := s.changes(); slices.ContainsFunc(changed, func(c string) bool { return c != "RunInstances" }) {
			t.Errorf("it called %q", changed)
		}
	})
}
