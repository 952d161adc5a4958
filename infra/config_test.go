package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"goldsmith/infra/workflow"
	"goldsmith/shared/plan"
)

func TestRead(t *testing.T) {
	c, err := read(map[string]any{
		"plans": "../plans.yaml", "targets": "111122223333/eu-central-1, 444455556666/us-gov-west-1",
		"emails":      []any{"a@example.com", "b@example.com"},
		"slackSecret": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:goldsmith/slack-AbC123", "nag": "off",
		"@aws-cdk/core:checkSecretUsage": true, "aws:cdk:enable-path-metadata": true,
	}, moment)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Target{{"111122223333", "eu-central-1"}, {"444455556666", "us-gov-west-1"}},
		c.Targets); diff != "" {
		t.Error(diff)
	}
	if c.Nag || c.Reserve || len(c.Emails) != 2 || c.ImagePath != "/goldsmith/images" || c.Plans.Default != "on-demand" {
		t.Errorf("%+v", c)
	}
}

// Whatever is wrong with the context is told, all of it, before anything is synthesized.
func TestBadContext(t *testing.T) {
	const key = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-4000-8000-000000000001"
	for name, c := range map[string]struct {
		context map[string]any
		want    string
	}{
		"a slip": {map[string]any{"slackSecert": "x"},
			"context slackSecert: there is no such setting; there are: assetBucket, emails, "},
		"a target without a Region": {map[string]any{"targets": "111122223333"},
			`context targets: "111122223333" is not an account and a Region, such as 123456789012/eu-central-1`},
		"a target twice": {map[string]any{"targets": "111122223333/eu-west-1,111122223333/eu-west-1"},
			`"111122223333/eu-west-1" is listed twice`},
		"a number":  {map[string]any{"targets": 5.0}, "context targets: 5 is no list"},
		"a switch":  {map[string]any{"nag": "false"}, `context nag: "false" is neither on nor off`},
		"a boolean": {map[string]any{"reservedConcurrency": false}, "context reservedConcurrency: false is no text"},
		"a path":    {map[string]any{"imagePath": "images/"}, `context imagePath: "images/" is not a path`},
		"no role": {map[string]any{"passRoles": "arn:aws:iam::123456789012:instance-profile/web"},
			`context passRoles: "arn:aws:iam::123456789012:instance-profile/web" is not a role's ARN`},
		"an alias": {map[string]any{"kmsKeys": "alias/ebs"},
			`context kmsKeys: "alias/ebs" is not a KMS key's ARN; an alias will not do`},
		"too many keys": {map[string]any{"kmsKeys": strings.Join(slices.Repeat([]string{key}, 50), ",")},
			"context kmsKeys: 50 keys for one stack do not fit into a function's environment"},
		"two table keys": {map[string]any{"tableKeys": key + "," + key},
			"context tableKeys: a table has one key; for one stack there are "},
		"half an ARN": {map[string]any{"slackSecret": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:slack"},
			"context slackSecret: "},
		"nothing":  {map[string]any{"slackSecret": ""}, "context slackSecret:  is no text"},
		"no plans": {map[string]any{"plans": "none.yaml"}, "reading plans: open none.yaml"},
		"no build": {map[string]any{"functions": "testdata"}, filepath.Join("testdata", "select", "bootstrap") +
			" is missing: run make build"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := synth(c.context); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("says %v, want %q", err, c.want)
			}
		})
	}
	_, err := synth(map[string]any{"nag": "x", "emails": "y", "z": "z"})
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("three things are wrong, told are: %v", err)
	}
}

// Mistakes in plans.yaml fail synth in the words that people know from the command line.
func TestBadPlans(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plans.yaml")
	text := "default: nightly\nplans:\n  nightly:\n    schedule: cron(30 2 * * ? *)\n    timezone: Europe/Berlin\n    " +
		"window: soon\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := synth(map[string]any{"plans": path})
	if err == nil || !strings.Contains(err.Error(), "plans.yaml:4: nightly.schedule: ") ||
		!strings.Contains(err.Error(), "plans.yaml:6: nightly.window: ") {
		t.Errorf("says %v", err)
	}
}

// Clones may be stopped and imaged only where a plan makes general images.
func TestClonesAreAllowed(t *testing.T) {
	p := plan.Default()
	plans := Config{Plans: plan.Plans{Plans: map[string]plan.Plan{"nightly": p}}}
	if got := cloned(plans); got != nil {
		t.Errorf("without general images these may be imaged: %v", got)
	}
	p.Generalize.Enabled = true
	plans.Plans.Plans["nightly"] = p
	if got := cloned(plans); len(got) != 1 {
		t.Errorf("with general images these may be imaged: %v", got)
	}
}

// Commands may be sent to sources only where a plan has some, or freezes what it images.
func TestCommandsAreAllowed(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*plan.Plan)
		want bool
	}{
		"without": {func(*plan.Plan) {}, false},
		"hooks":   {func(p *plan.Plan) { p.Hooks.After = "sync" }, true},
		"frozen":  {func(p *plan.Plan) { p.Consistency = plan.Frozen }, true},
	} {
		p := plan.Default()
		c.edit(&p)
		values := workflow.Values{}
		hooked(values, Config{Plans: plan.Plans{Plans: map[string]plan.Plan{"nightly": p}}})
		if got := len(values[workflow.Hooks]) > 0 && len(values[workflow.HookDocument]) > 0; got != c.want {
			t.Errorf("%s: allowed is %v", name, got)
		}
	}
}
