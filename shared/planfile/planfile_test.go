package planfile

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"goldsmith/shared/plan"
)

var update = flag.Bool("update", false, "write the messages in testdata/refused.txt anew")

var now = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

// TestRefused holds every message a person may get against testdata/refused.txt:
// a file, "----", its messages, "====".
func TestRefused(t *testing.T) {
	const path = "testdata/refused.txt"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var written strings.Builder
	for block := range strings.SplitSeq(strings.TrimSuffix(string(text), "====\n"), "====\n") {
		in, want, ok := strings.Cut(block, "----\n")
		if !ok {
			t.Fatalf("no messages in block:\n%s", block)
		}
		got := "accepted\n"
		if _, err := Parse("plans.yaml", []byte(in), now); err != nil {
			got = err.Error() + "\n"
		}
		if got != want && !*update {
			t.Errorf("%s\n%s", in, cmp.Diff(want, got))
		}
		written.WriteString(in + "----\n" + got + "====\n")
	}
	if *update {
		if err := os.WriteFile(path, []byte(written.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRefusedUnwritable has the inputs that a text file shows badly.
func TestRefusedUnwritable(t *testing.T) {
	for in, want := range map[string]string{
		"":                              "plans.yaml:1: the file is empty: it holds default, the name of a plan, and plans",
		"default: a\nplans: \xff\n":     "plans.yaml:2: the file is not UTF-8 text",
		strings.Repeat("[", 20000):      "plans.yaml:1: the file is nested deeper than any plan",
		strings.Repeat("- ", 20000):     "plans.yaml:1: the file is nested deeper than any plan",
		strings.Repeat("? ", 20000):     "plans.yaml:1: the file is nested deeper than any plan",
		strings.Repeat("#\n", maxBytes): "plans.yaml:1: the file is longer than 64 KiB",
		"default: a\nplans:\n\ta: {}\n\tb: {}\n": "plans.yaml:3: the line is indented with a tab: YAML wants spaces\n" +
			"plans.yaml:4: the line is indented with a tab: YAML wants spaces",
	} {
		_, err := Parse("plans.yaml", []byte(in), now)
		if err == nil || err.Error() != want {
			t.Errorf("%.40q: got\n%v\nwant\n%s", in, err, want)
		}
	}
}

func TestInvalidListsProblems(t *testing.T) {
	_, err := Parse("p", []byte("default: b\nplans: {a: {window: 1}}\nmore: 1\n"), now)
	var invalid *InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("got %T", err)
	}
	want := []string{"default", "a.window", "more"}
	var got []string
	for i, p := range invalid.Problems {
		got = append(got, p.Path)
		if p.Line != i+1 {
			t.Errorf("%s is on line %d, told as %d", p.Path, i+1, p.Line)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseReadsEveryKey(t *testing.T) {
	text, err := os.ReadFile("testdata/good/every-key.yaml")
	if err != nil {
		t.Fatal(err)
	}
	plans, err := Parse("every-key.yaml", text, now)
	if err != nil {
		t.Fatal(err)
	}
	yes := true
	want := plan.Plan{
		Name: "every-key", Schedule: "cron(0/15 8-17 ? JAN-MAR,6 MON-FRI 2026-2030)", Timezone: "America/New_York",
		Sources: plan.Selector{
			Tags: map[string][]string{"env": {"production", "staging"}, "Role": {"web"}, "Backup": {}, "any": {"any"},
				"empty":                     {""},
				"aws:autoscaling:groupName": {"workers"}},
			Exclude: map[string][]string{"env": {"production"}, "hold": {}},
			IDs:     []string{"i-0123456789abcdef0", "i-12345678"},
		},
		Consistency: plan.Reboot, Restart: plan.Snapshotted, Health: plan.Checked, InstanceStore: plan.Lose,
		Concurrency: 1000, Limit: plan.Limit{Count: 25}, Window: plan.Duration(90 * time.Minute), Strict: true,
		Generalize: plan.Generalize{Enabled: true, Keep: []plan.Item{plan.ItemSSHHostKeys, plan.ItemHostname},
			Command: "rm -f /etc/web/license.key"},
		Hooks: plan.Hooks{
			Before: "mysql -e 'FLUSH TABLES' && echo \"done – ja\"\n", After: "systemctl start web",
			Timeout: plan.Duration(90 * time.Second), OnFailure: plan.HookIgnore,
		},
		Image: plan.Image{
			Prefix: "a/b_c.(d)-e", Tags: map[string]string{"Owner": "5", "empty": ""}, Settings: "bootMode=uefi enaSupport=true",
			Volumes: plan.Volumes{LeaveOut: []string{"/dev/sdf", "xvdba", "/dev/sda2"}, Tagged: true},
		},
		Verify: plan.Verify{
			Boot: true, Subnet: "subnet-0123456789abcdef0", SecurityGroups: []string{"sg-0123456789abcdef0"},
			InstanceType: "u-6tb1.metal",
			Profile:      "goldsmith-test", Command: "test -f /etc/web.conf && systemctl is-active web",
			Patience: plan.Duration(90 * time.Minute),
		},
		Share: plan.Share{
			Accounts: []string{"111122223333", "000000000001"}, Organization: "o-a1b2c3d4e5",
			OrganizationalUnits: []string{"ou-a1b2-c3d4e5f6"},
		},
		Copies: []plan.Copy{
			{Region: "us-east-1", Key: "alias/golden", Keep: plan.Keep{
				Last: 3, Daily: 7, Weekly: 4, Monthly: 12, Yearly: 1000, Minimum: 3, Grace: plan.Duration(36 * time.Hour),
				Disable: true,
			}},
			{Region: "eu-north-1", Key: "1234abcd-12ab-34cd-56ef-1234567890ab", Keep: plan.Keep{Daily: 3}},
			{Region: "ap-southeast-2", Key: "arn:aws:kms:ap-southeast-2:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"},
			{Region: "eu-west-3"},
		},
		Roll: plan.Roll{
			Templates: map[string][]string{"web": {"lt-0123456789abcdef0", "web-template"}, "db": {"db-template"}},
			Volumes: map[string]plan.RollVolume{
				"root":     {Type: plan.GP3, Size: 100, IOPS: 16_000, Throughput: 1000},
				"/dev/sdf": {Type: plan.ST1, Empty: 125, Encrypted: true, DeleteOnTermination: new(bool)},
				"xvdh":     {DeleteOnTermination: &yes},
			},
			Refresh: plan.Refresh{
				Enabled: true, MinHealthy: 80, MaxHealthy: 120, Bake: plan.Duration(10 * time.Minute),
				Checkpoints:     []int{20, 50, 100},
				CheckpointDelay: plan.Duration(30 * time.Minute), Alarms: []string{"web-errors", "web-latency"},
			},
		},
		Keep: plan.Keep{Daily: 7, Weekly: 4, Monthly: 12, Yearly: 1000, Minimum: 3, Grace: plan.Duration(36 * time.Hour),
			Disable: true},
		Notify: plan.Notify{Channel: "C0123ABCDEF", On: []plan.Outcome{plan.OK, plan.Partial, plan.Failed},
			Mention: "<!subteam^S0123ABCD> <@U0123ABCD>"},
	}
	if diff := cmp.Diff(want, plans.Plans["every-key"]); diff != "" {
		t.Error(diff)
	}
	rate := plan.Default()
	rate.Name, rate.Schedule, rate.Limit = "rate", "rate(1 day)", plan.Limit{Percent: 100}
	rate.Force, rate.Roll.Skip, rate.Notify.On = plan.MaxForce, true, []plan.Outcome{plan.Failed}
	rate.Share = plan.Share{Accounts: []string{"111122223333"}, Snapshots: true}
	rate.Copies = []plan.Copy{{Region: "eu-west-1", Key: "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}}
	if diff := cmp.Diff(rate, plans.Plans["rate"]); diff != "" {
		t.Error(diff)
	}
	frozen := plan.Default()
	frozen.Name, frozen.Consistency = "frozen", plan.Frozen
	frozen.Freeze = plan.Freeze{Of: plan.FreezePostgreSQL, Limit: plan.Duration(30 * time.Second), OnFailure: plan.HookFail}
	if diff := cmp.Diff(frozen, plans.Plans["frozen"]); diff != "" {
		t.Error(diff)
	}
	stored := plan.Default()
	stored.Name = "stored"
	stored.Sources.Snapshots.Tags = map[string][]string{"Backup": {"daily"}, "Tier": {}}
	if diff := cmp.Diff(stored, plans.Plans["stored"]); diff != "" {
		t.Error(diff)
	}
}

func TestParseTakesWindowsLinesAndByteOrderMark(t *testing.T) {
	plans, err := Parse("plans.yaml", []byte("\ufeffdefault: a\r\nplans:\r\n  a:\r\n    window: 2h\r\n"), now)
	if err != nil || plans.Plans["a"].Window != plan.Duration(2*time.Hour) {
		t.Errorf("got %+v, %v", plans, err)
	}
	_, err = Parse("plans.yaml", []byte("default: a\r\nplans:\r\n  a:\r\n    window: 2\r\n"), now)
	if err == nil || !strings.HasPrefix(err.Error(), "plans.yaml:4: a.window: ") {
		t.Errorf("got %v", err)
	}
}

// TestExamplePlans keeps the repository's example good, and good in ten years.
func TestExamplePlans(t *testing.T) {
	for _, at := range []time.Time{now, now.AddDate(10, 0, 0)} {
		plans, err := Load("../../plans.yaml", at)
		if err != nil {
			t.Fatal(err)
		}
		if plans.Default != "on-demand" || plans.Plans["on-demand"].Schedule != "" {
			t.Errorf("the default plan is %q with schedule %q", plans.Default, plans.Plans["on-demand"].Schedule)
		}
		if nightly := plans.Plans["nightly"]; nightly.Limit.IsZero() || nightly.Timezone != "Europe/Berlin" {
			t.Errorf("nightly is %+v", nightly)
		}
		if db := plans.Plans["weekly-db"]; !db.Strict || db.Restart != plan.Available || db.Health != plan.Checked {
			t.Errorf("weekly-db is %+v", db)
		}
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml"), now); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	path := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(path, slices.Repeat([]byte(" "), maxBytes+5), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path, now); err == nil || !strings.HasPrefix(err.Error(), "mine.yaml:1: the file is longer") {
		t.Errorf("got %v", err)
	}
}

// TestParseReadsWhatItIsGiven writes random good plans as JSON, which is YAML,
// and reads them back; then through JSON once more, as they travel.
func TestParseReadsWhatItIsGiven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := plan.Default()
		p.Concurrency = rapid.IntRange(plan.Concurrency.Low, plan.Concurrency.High).Draw(t, "concurrency")
		p.Window = plan.Duration(time.Duration(rapid.IntRange(1, 7*24*60).Draw(t, "window")) * time.Minute)
		p.Limit = rapid.SampledFrom([]plan.Limit{{}, {Count: 3}, {Percent: 100}, {Percent: 1}}).Draw(t, "limit")
		p.Strict = rapid.Bool().Draw(t, "strict")
		p.Health = rapid.SampledFrom(plan.Healths).Draw(t, "health")
		p.Consistency = rapid.SampledFrom(plan.Consistencies).Draw(t, "consistency")
		p.Keep.Daily = rapid.IntRange(plan.Rule.Low, plan.Rule.High).Draw(t, "daily")
		value := rapid.StringMatching(`[A-Za-z0-9 ._:/#&'"!|>%@{}\[\],=+-]{0,20}[A-Za-z]`)
		if tags := rapid.MapOfN(rapid.StringMatching(`[A-Z][A-Za-z0-9 ._:/#-]{0,10}`), value, 0, 5).Draw(t,
			"tags"); len(tags) > 0 {
			p.Image.Tags = tags
		}
		p.Sources.Tags = map[string][]string{"env": {value.Draw(t, "env")}}
		body, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse("plans.yaml", []byte(`{"default": "p", "plans": {"p": `+string(body)+`}}`), now)
		if err != nil {
			t.Fatalf("%v in\n%s", err, body)
		}
		p.Name = "p"
		if diff := cmp.Diff(p, got.Plans["p"]); diff != "" {
			t.Fatal(diff)
		}
		travelled, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		again, err := plan.Decode(travelled)
		if diff := cmp.Diff(got, again); diff != "" || err != nil {
			t.Fatal(err, diff)
		}
	})
}

func TestNearest(t *testing.T) {
	known := fieldsOf(reflect.TypeFor[plan.Plan]())
	for word, want := range map[string]string{"windwo": "window", "Window": "window", "scedule": "schedule",
		"timeZone": "timezone",
		"keeps":    "keep", "retention": "", "x": "", "tags": ""} {
		if got, _ := plan.Nearest(word, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, path := range []string{"../../plans.yaml", "testdata/refused.txt", "testdata/good/every-key.yaml"} {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for block := range strings.SplitSeq(string(text), "====\n") {
			in, _, _ := strings.Cut(block, "----\n")
			f.Add([]byte(in))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		plans, err := Parse("plans.yaml", text, now)
		var invalid *InvalidError
		switch {
		case err == nil:
			travels(t, plans)
		case !errors.As(err, &invalid) || len(invalid.Problems) == 0:
			t.Fatalf("got %T without a problem", err)
		default:
			plausible(t, invalid.Problems, 1+strings.Count(string(text), "\n")+strings.Count(string(text), "\r"))
		}
	})
}

// travels holds that whatever was accepted reaches a Lambda unchanged.
func travels(t *testing.T, plans plan.Plans) {
	text, err := json.Marshal(plans)
	if err != nil {
		t.Fatal(err)
	}
	again, err := plan.Decode(text)
	if diff := cmp.Diff(plans, again); diff != "" || err != nil {
		t.Fatal(err, diff)
	}
}

func plausible(t *testing.T, problems []Problem, lines int) {
	for i, p := range problems {
		if p.Line < 1 || p.Line > lines || p.Text == "" || i > 0 && p.Line < problems[i-1].Line {
			t.Fatalf("problem %d of a text of %d lines: %+v", i, lines, p)
		}
		if strings.ContainsAny(p.Text, "\n") {
			t.Fatalf("the message has several lines: %q", p.Text)
		}
	}
}
