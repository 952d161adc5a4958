package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestLimitMost(t *testing.T) {
	for _, c := range []struct {
		limit Limit
		total int
		most  int
		ok    bool
	}{
		{Limit{}, 100, 0, false},
		{Limit{Count: 5}, 100, 5, true},
		{Limit{Percent: 50}, 100, 50, true},
		{Limit{Percent: 50}, 5, 2, true},
		{Limit{Percent: 1}, 5, 1, true},
		{Limit{Percent: 100}, 7, 7, true},
	} {
		if most, ok := c.limit.Most(c.total); most != c.most || ok != c.ok {
			t.Errorf("%s of %d: got %d %v, want %d %v", c.limit, c.total, most, ok, c.most, c.ok)
		}
	}
}

func TestLimitRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`0`: "would let no run touch anything", `"0%"`: "would let no run touch anything", `"101%"`: "more than all",
		`-1`: "is no limit", `"-1%"`: "is no limit", `1.5`: "is no limit", `"%"`: "is no limit", `""`: "is no limit",
		`"20%%"`: "is no limit", `"20%x"`: "is no limit", `true`: "is no limit", `{}`: "is no limit",
		`99999999999`: "is no limit",
	} {
		var l Limit
		if err := json.Unmarshal([]byte(text), &l); err == nil || !strings.Contains(err.Error(), want) || !l.IsZero() {
			t.Errorf("%s: got %v, %v; want %q", text, l, err, want)
		}
	}
}

func TestDurationIsWrittenShort(t *testing.T) {
	for text, want := range map[string]string{"4h": "4h", "90m": "1h30m", "1h0m5s": "1h0m5s", "10s": "10s", "10m": "10m",
		"20h10m": "20h10m", "0s": "0s"} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || d.String() != want {
			t.Errorf("%s: got %s, %v; want %s", text, d, err, want)
		}
	}
}

func TestKeepRules(t *testing.T) {
	if (Keep{Minimum: 5}).Rules() || !(Keep{Yearly: 1}).Rules() {
		t.Error("a minimum is no rule, a yearly image is")
	}
}

func TestDefaultIsGood(t *testing.T) {
	p := Default()
	p.Name = "a"
	if found := (Plans{Default: "a", Plans: map[string]Plan{"a": p}}).Check(); len(found) > 0 {
		t.Errorf("the default plan: %v", found)
	}
}

// TestCheckSeesEveryField breaks a good plan in one place at a time; the
// messages themselves are held by planfile's table.
func TestCheckSeesEveryField(t *testing.T) {
	for path, spoil := range map[string]func(*Plan){
		"name":                   func(p *Plan) { p.Name = "b" },
		"consistency":            func(p *Plan) { p.Consistency = "" },
		"restart":                func(p *Plan) { p.Restart = "x" },
		"health":                 func(p *Plan) { p.Health = "x" },
		"concurrency":            func(p *Plan) { p.Concurrency = 0 },
		"window":                 func(p *Plan) { p.Window = Duration(59 * time.Second) },
		"force":                  func(p *Plan) { p.Force = MaxForce + 1 },
		"groups.pick":            func(p *Plan) { p.Groups.Pick = "first" },
		"sources.ids":            func(p *Plan) { p.Sources.IDs = []string{"i-1"} },
		"sources.tags.x":         func(p *Plan) { p.Sources.Tags = map[string][]string{"x": {"*"}} },
		"sources.exclude.x":      func(p *Plan) { p.Sources.Exclude = map[string][]string{"x": {strings.Repeat("v", 257)}} },
		"image.prefix":           func(p *Plan) { p.Image.Prefix = "" },
		"image.tags.AWS:x":       func(p *Plan) { p.Image.Tags = map[string]string{"AWS:x": ""} },
		"roll.volumes./dev/sdf":  func(p *Plan) { p.Roll.Volumes = map[string]RollVolume{"/dev/sdf": {}} },
		"roll.volumes.root.iops": func(p *Plan) { p.Roll.Volumes = map[string]RollVolume{"root": {Type: IO2}} },
		"roll.templates.web":     func(p *Plan) { p.Roll.Templates = map[string][]string{"web": {"!"}} },
		"hooks.before":           func(p *Plan) { p.Hooks.Before = "mysql -p{{ ssm:/shop/password }} -e 'FLUSH TABLES'" },
		"hooks.after":            func(p *Plan) { p.Hooks.After = "echo \x1b[2J" },
		"freeze":                 func(p *Plan) { p.Freeze.Of = FreezeMySQL },
		"freeze.of":              func(p *Plan) { p.Consistency, p.Freeze.Of = Frozen, "oracle" },
		"freeze.limit":           func(p *Plan) { p.Consistency, p.Freeze.Limit = Frozen, MaxFreeze+1 },
		"freeze.onFailure":       func(p *Plan) { p.Consistency, p.Freeze.OnFailure = Frozen, "thaw" },
		"hooks":                  func(p *Plan) { p.Consistency, p.Hooks.After = Frozen, "sync" },
		"drain":                  func(p *Plan) { p.Consistency, p.Drain = Frozen, true },
		"hooks.timeout": func(p *Plan) {
			p.Hooks = Hooks{After: "docker ps --format '{{.Names}}'\r\n\tsync", Timeout: 1}
		},
		"verify.boot":   func(p *Plan) { p.Verify.InstanceType = "t3.micro" },
		"verify.subnet": func(p *Plan) { p.Verify.Boot = true },
		"verify.securityGroups": func(p *Plan) {
			p.Verify = tested(func(v *Verify) { v.SecurityGroups = []string{"default"} })
		},
		"verify.instanceType": func(p *Plan) { p.Verify = tested(func(v *Verify) { v.InstanceType = "small" }) },
		"verify.profile":      func(p *Plan) { p.Verify = tested(func(v *Verify) { v.Profile = "a/b" }) },
		"verify.command":      func(p *Plan) { p.Verify = tested(func(v *Verify) { v.Command = "true" }) },
		"generalize":          func(p *Plan) { p.Generalize.Enabled = true },
		"generalize.enabled":  func(p *Plan) { p.Generalize.Keep = []Item{ItemLogs} },
		"generalize.keep": func(p *Plan) {
			p.Verify = tested(func(v *Verify) { v.Profile = "tested" })
			p.Generalize = Generalize{Enabled: true, Keep: []Item{"passwords"}, Command: strings.Repeat("ä", MaxCommand)}
		},
		"generalize.command": func(p *Plan) {
			p.Verify = tested(func(v *Verify) { v.Profile = "tested" })
			p.Generalize = Generalize{Enabled: true, Keep: Items, Command: strings.Repeat("x", MaxCommand+1)}
		},
		"verify.patience": func(p *Plan) { p.Verify.Patience = MinPatience - 1 },
		"keep.last":       func(p *Plan) { p.Keep.Last = -1 },
		"keep.weekly":     func(p *Plan) { p.Keep.Weekly = 1001 },
		"keep.monthly":    func(p *Plan) { p.Keep.Monthly = 1001 },
		"keep.yearly":     func(p *Plan) { p.Keep.Yearly = 1001 },
		"keep.grace":      func(p *Plan) { p.Keep.Grace = Duration(59 * time.Minute) },
		"keep.minimum":    func(p *Plan) { p.Keep.Minimum = 0 },
		"notify.channel":  func(p *Plan) { p.Notify.Channel = "#Ops" },
		"notify.link":     func(p *Plan) { p.Notify.Link = "public" },
		"notify.on":       func(p *Plan) { p.Notify.On = []Outcome{"x"} },
		"notify.mention":  func(p *Plan) { p.Notify.Mention = "@here" },
	} {
		p := Default()
		p.Name = "a"
		spoil(&p)
		found := (Plans{Default: "a", Plans: map[string]Plan{"a": p}}).Check()
		if len(found) != 1 || !strings.HasSuffix(found[0].Path, path) {
			t.Errorf("%s: got %v", path, found)
		}
	}
}

// A launch template is listed for one source, in whatever plans.
func TestCheckTemplatesOfSeveralSources(t *testing.T) {
	plans := Plans{Default: "a", Plans: map[string]Plan{}}
	for name, templates := range map[string]map[string][]string{
		"a": {"web": {"one", "lt-0123456789abcdef0"}, "db": {"one"}},
		"b": {"web": {"two", "one"}, "mail": {"lt-0123456789abcdef0"}},
	} {
		p := Default()
		p.Name, p.Roll.Templates = name, templates
		plans.Plans[name] = p
	}
	var found []string
	for _, problem := range plans.Check() {
		found = append(found, problem.String())
	}
	const one = ": a launch template takes the images of one source"
	want := []string{
		`a.roll.templates.web[0]: "one" is listed for source db by plan a` + one,
		`b.roll.templates.mail: "lt-0123456789abcdef0" is listed for source web by plan a` + one,
		`b.roll.templates.web[1]: "one" is listed for source db by plan a` + one,
	}
	if !slices.Equal(found, want) {
		t.Errorf("got %q", found)
	}
}

// tested is a good test of images, edited.
func tested(edit func(*Verify)) Verify {
	v := Verify{Boot: true, Subnet: "subnet-0123456789abcdef0", Patience: MaxPatience}
	edit(&v)
	return v
}

// TestSelectorContradictions: a selector is refused exactly when no set of tags can satisfy it.
func TestSelectorContradictions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b"}), 0, 2, rapid.ID)
		tags := rapid.MapOfN(rapid.SampledFrom([]string{"x", "y"}), values, 0, 2)
		p := Default()
		p.Name = "p"
		p.Sources = Selector{Tags: tags.Draw(t, "tags"), Exclude: tags.Draw(t, "exclude")}
		if refused := len(p.Check()) > 0; refused == satisfiable(p.Sources) {
			t.Fatalf("%+v: refused %v", p.Sources, refused)
		}
	})
}

// satisfiable tries every value, and none, of each tag.
func satisfiable(s Selector) bool {
	for _, key := range []string{"x", "y"} {
		possible := false
		for _, value := range []string{"", "a", "b", "other"} {
			possible = possible || allowed(s, key, value)
		}
		if !possible {
			return false
		}
	}
	return true
}

func allowed(s Selector, key, value string) bool {
	if wanted, ok := s.Tags[key]; ok && (value == "" || !holds(wanted, value)) {
		return false
	}
	excluded, ok := s.Exclude[key]
	return !ok || value == "" || !holds(excluded, value)
}

func holds(values []string, value string) bool {
	for _, v := range values {
		if v == value {
			return true
		}
	}
	return len(values) == 0
}

func TestDecode(t *testing.T) {
	p := Default()
	p.Name, p.Limit = "a", Limit{Percent: 5}
	want := Plans{Default: "a", Plans: map[string]Plan{"a": p}}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(text)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for bad, message := range map[string]string{
		"":                      "EOF",
		"null":                  "plans: holds no plan",
		"{}":                    "plans: holds no plan",
		string(text) + "{}":     "something follows the plans",
		string(text) + "]":      "something follows the plans",
		`{"default":"a","x":1}`: `unknown field "x"`,
		`{"default":"a","plans":{"a":{"name":"a"}}}`:       "a.concurrency: 0 is outside 1 to 1000",
		strings.Replace(string(text), `"5%"`, `"500%"`, 1): "500% is more than all",
		strings.Replace(string(text), `"default":"a"`, `"default":"b"`,
			1): `default: "b" is no plan; the plans are a`,
		strings.Replace(string(text), `"consistency":"stop"`, `"consistenc":1`, 1): "unknown field",
	} {
		if _, err := Decode([]byte(bad)); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s:\n got %v\nwant %s", bad, err, message)
		}
	}
}

func TestAPlanNamesSoManyInstancesAtMost(t *testing.T) {
	p := Default()
	p.Name = "nightly"
	for n := range 501 {
		p.Sources.IDs = append(p.Sources.IDs, fmt.Sprintf("i-%017x", n))
	}
	want := []Problem{{Path: "nightly.sources.ids",
		Text: "501 ids are more than 500: tag the instances instead and select by tag"}}
	if diff := cmp.Diff(want, p.Check()); diff != "" {
		t.Error(diff)
	}
	p.Sources.IDs = p.Sources.IDs[:500]
	if got := p.Check(); len(got) > 0 {
		t.Errorf("500 ids: %v", got)
	}
}

// In the suite's own Region a copy wants a key; elsewhere it may do without.
func TestHome(t *testing.T) {
	p := Default()
	p.Copies = []Copy{{Region: "us-east-1"}, {Region: "eu-central-1"}}
	plans := Plans{Plans: map[string]Plan{"nightly": p}}
	found := plans.Home("eu-central-1")
	if len(found) != 1 || found[0].Path != "nightly.copies[1].key" {
		t.Errorf("%v", found)
	}
	p.Copies[1].Key = "alias/golden"
	if found := plans.Home("eu-central-1"); len(found) != 0 {
		t.Errorf("with a key: %v", found)
	}
}
