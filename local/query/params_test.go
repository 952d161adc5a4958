package query_test

import (
	"errors"
	"maps"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"goldsmith/local/query"
)

func TestParamsAreNavigatedByPath(t *testing.T) {
	params := parse(t, "Action=RunInstances&Version=2016-11-15"+
		"&Filter.1.Name=tag%3AName&Filter.1.Value.2=b&Filter.1.Value.1=a%20b"+
		"&BlockDeviceMapping.10.DeviceName=z&BlockDeviceMapping.2.Ebs.SnapshotId=snap-1"+
		"&AutoScalingGroupNames.member.2=two&AutoScalingGroupNames.member.1=one"+
		"&MinCount=3&DryRun=True&Until=2026-01-02T03%3A04%3A05.5Z&Empty=")
	mappings := params.List("BlockDeviceMapping")
	for what, values := range map[string][2]any{
		"a list":               {params.At("Filter.1").Texts("Value"), []string{"a b", "b"}},
		"a member list":        {params.Texts("AutoScalingGroupNames"), []string{"one", "two"}},
		"an absent list":       {len(params.List("Absent")), 0},
		"order by number":      {mappings[0].Text("Ebs.SnapshotId") + mappings[1].Text("DeviceName"), "snap-1z"},
		"a full name":          {mappings[0].At("Ebs.SnapshotId").Name(), "BlockDeviceMapping.2.Ebs.SnapshotId"},
		"an integer":           {params.Int("MinCount"), 3},
		"a boolean":            {params.Bool("DryRun"), true},
		"a time":               {params.Time("Until").Nanosecond(), 500_000_000},
		"an empty value":       {params.Has("Empty"), true},
		"an absent value":      {params.Has("Absent"), false},
		"below an absent node": {params.At("Absent.Deep").Text("Deeper"), ""},
		"an empty integer":     {params.Int("Empty"), 0},
		"fields":               {params.At("Filter.1").Fields(), []string{"Name", "Value"}},
	} {
		if diff := cmp.Diff(values[1], values[0]); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	if err := params.Err(); err != nil {
		t.Errorf("Err() = %v", err)
	}
}

func TestWrongTypesAreKeptForErr(t *testing.T) {
	for name, read := range map[string]func(*query.Params){
		"integer":   func(p *query.Params) { p.Int("V.1.X") },
		"boolean":   func(p *query.Params) { p.At("V").Bool("1.X") },
		"timestamp": func(p *query.Params) { p.List("V")[0].Time("X") },
	} {
		t.Run(name, func(t *testing.T) {
			params := parse(t, "V.1.X=maybe")
			read(params)
			failure, ok := errors.AsType[*query.Error](params.Err())
			if !ok || failure.Code != "InvalidParameterValue" {
				t.Fatalf("Err() = %v, want InvalidParameterValue", params.Err())
			}
			for _, want := range []string{"maybe", "V.1.X", name} {
				if !strings.Contains(failure.Message, want) {
					t.Errorf("message %q does not name %q", failure.Message, want)
				}
			}
		})
	}
}

func TestMalformedFormsAreRefused(t *testing.T) {
	for form, code := range map[string]string{
		"A=%zz":                              "MalformedQueryString",
		"%zz=1":                              "MalformedQueryString",
		"A..B=1":                             "MalformedQueryString",
		".A=1":                               "MalformedQueryString",
		"A.=1":                               "MalformedQueryString",
		"=1":                                 "MalformedQueryString",
		strings.Repeat("a.", 40) + "b=1":     "MalformedQueryString",
		strings.Repeat("a=1&", 20_000) + "b": "MalformedQueryString",
		"A=1&A=2":                            "InvalidQueryParameter",
		"A=&A=":                              "InvalidQueryParameter",
		"A=1&A.B=2":                          "InvalidQueryParameter",
		"A.B=1&A=2":                          "InvalidQueryParameter",
	} {
		_, err := query.ParseForm(form)
		if failure, ok := errors.AsType[*query.Error](err); !ok || (failure.Code != code && len(form) < 1000) {
			t.Errorf("%.40q: got %v, want %s", form, err, code)
		}
	}
}

func TestEveryValueIsFoundAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[A-Z][a-z]{0,5}`), 1, 8, rapid.ID).Draw(t, "names")
		form, want := url.Values{}, map[string]string{}
		for i, name := range names {
			path := name + []string{"", ".1", ".member.3", ".X.2.Y"}[i%4]
			value := rapid.String().Draw(t, path)
			form.Set(path, value)
			want[path] = value
		}
		params, err := query.ParseForm(form.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if got := maps.Collect(params.Leaves()); !maps.Equal(got, want) {
			t.Errorf("leaves %q, want %q", got, want)
		}
		for path, value := range want {
			if got := params.Text(path); got != value {
				t.Errorf("%s = %q, want %q", path, got, value)
			}
		}
	})
}

// FuzzRequest holds that no form can panic the parser or a walk through its
// tree, and that a refusal is always in the service's own words.
func FuzzRequest(f *testing.F) {
	f.Add("Action=DescribeInstances&Filter.1.Name=tag:a&Filter.1.Value.1=b")
	f.Add("A.member.1=x&A.member.01=y&A.-1=z&A.99999999999999999999=q")
	f.Add("A=1&A.B=2&%zz")
	f.Fuzz(func(t *testing.T, form string) {
		params, err := query.ParseForm(form)
		if err != nil {
			if _, ok := errors.AsType[*query.Error](err); !ok {
				t.Errorf("%q: %v is not an *Error", form, err)
			}
			return
		}
		walk(params)
		_ = params.Err()
	})
}

func walk(p *query.Params) {
	for _, field := range p.Fields() {
		node := p.At(field)
		node.Bool("")
		node.Int("")
		node.Time("")
		node.Texts("")
		walk(node)
	}
	for _, element := range p.List("") {
		_ = element.Text("")
	}
}

func parse(t *testing.T, form string) *query.Params {
	t.Helper()
	params, err := query.ParseForm(form)
	if err != nil {
		t.Fatal(err)
	}
	return params
}
