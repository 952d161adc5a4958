package pattern_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"goldsmith/local/eventbridge/pattern"
)

const event = `{
	"version": "0", "source": "aws.ec2", "time": "2017-10-02T18:43:48Z",
	"resources": ["arn:aws:ec2:r:1:instance/i-1", "arn:aws:autoscaling:r:1:g"],
	"detail": {
		"state": "running", "count": 5, "price": 301.8, "zero": 0, "account": 123456789012345678901,
		"on": true, "nothing": null, "empty": "", "none": [], "File": "dir/a*b.png",
		"keys": ["Name", "goldsmith:image"], "mixed": [1, {"deep": "x"}, "two"],
		"tags": {"goldsmith:image": "nightly", "a.b": "dotted"},
		"people": [{"first": "Anna", "last": "Smith"}, [{"first": "Peter", "last": "Jones"}]]
	}
}`

func TestMatch(t *testing.T) {
	tests := map[string]struct {
		pattern string
		want    bool
	}{
		"exact":                         {`{"source":["aws.ec2"]}`, true},
		"one of several":                {`{"source":["aws.s3","aws.ec2"]}`, true},
		"case matters":                  {`{"source":["AWS.EC2"]}`, false},
		"all fields":                    {`{"source":["aws.ec2"],"detail":{"state":["stopped"]}}`, false},
		"field not there":               {`{"detail":{"status":["running"]}}`, false},
		"an element of an array":        {`{"resources":["arn:aws:autoscaling:r:1:g"]}`, true},
		"no element":                    {`{"resources":["x"]}`, false},
		"scalars among objects":         {`{"detail":{"mixed":["two"]}}`, true},
		"objects among scalars":         {`{"detail":{"mixed":{"deep":["x"]}}}`, true},
		"true":                          {`{"detail":{"on":[true]}}`, true},
		"true is no string":             {`{"detail":{"on":["true"]}}`, false},
		"null":                          {`{"detail":{"nothing":[null]}}`, true},
		"null is not empty":             {`{"detail":{"nothing":[""]}}`, false},
		"empty is not null":             {`{"detail":{"empty":[null]}}`, false},
		"empty":                         {`{"detail":{"empty":[""]}}`, true},
		"null is not absent":            {`{"detail":{"other":[null]}}`, false},
		"number as written":             {`{"detail":{"count":[5]}}`, true},
		"number written otherwise":      {`{"detail":{"count":[5.0]}}`, false},
		"number is no string":           {`{"detail":{"count":["5"]}}`, false},
		"prefix":                        {`{"time":[{"prefix":"2017-10-02"}]}`, true},
		"prefix of a number":            {`{"detail":{"count":[{"prefix":"5"}]}}`, false},
		"prefix in any case":            {`{"source":[{"prefix":{"equals-ignore-case":"AWS."}}]}`, true},
		"suffix":                        {`{"detail":{"File":[{"suffix":".png"}]}}`, true},
		"suffix in any case":            {`{"detail":{"File":[{"suffix":{"equals-ignore-case":".PNG"}}]}}`, true},
		"no suffix":                     {`{"detail":{"File":[{"suffix":".PNG"}]}}`, false},
		"equals in any case":            {`{"detail":{"state":[{"equals-ignore-case":"RuNNing"}]}}`, true},
		"anything but":                  {`{"detail":{"state":[{"anything-but":"stopped"}]}}`, true},
		"anything but that":             {`{"detail":{"state":[{"anything-but":["stopped","running"]}]}}`, false},
		"anything but a number":         {`{"detail":{"count":[{"anything-but":[4,5]}]}}`, false},
		"anything but, of another type": {`{"detail":{"count":[{"anything-but":"5"}]}}`, true},
		"anything but, not there":       {`{"detail":{"status":[{"anything-but":"x"}]}}`, false},
		"anything but, any element":     {`{"detail":{"keys":[{"anything-but":"Name"}]}}`, true},
		"anything but, all elements":    {`{"detail":{"keys":[{"anything-but":["Name","goldsmith:image"]}]}}`, false},
		"anything but a prefix":         {`{"detail":{"state":[{"anything-but":{"prefix":"run"}}]}}`, false},
		"anything but prefixes":         {`{"detail":{"state":[{"anything-but":{"prefix":["st","in"]}}]}}`, true},
		"anything but a suffix":         {`{"detail":{"state":[{"anything-but":{"suffix":["ing"]}}]}}`, false},
		"anything but in any case": {`{"detail":{"state":[{"anything-but":{"equals-ignore-case":["RUNNING"]}}]}}`,
			false},
		"anything but a wildcard":         {`{"detail":{"File":[{"anything-but":{"wildcard":"*/lib/*"}}]}}`, true},
		"exists":                          {`{"detail":{"state":[{"exists":true}]}}`, true},
		"exists, null":                    {`{"detail":{"nothing":[{"exists":true}]}}`, true},
		"exists, no leaf":                 {`{"detail":{"tags":[{"exists":true}]}}`, false},
		"exists, an empty array":          {`{"detail":{"none":[{"exists":true}]}}`, false},
		"exists, a key with a colon":      {`{"detail":{"tags":{"goldsmith:image":[{"exists":true}]}}}`, true},
		"exists not":                      {`{"detail":{"status":[{"exists":false}]}}`, true},
		"exists not, but does":            {`{"detail":{"state":[{"exists":false}]}}`, false},
		"exists not, no leaf":             {`{"detail":{"tags":[{"exists":false}]}}`, true},
		"exists not, parents neither":     {`{"a":{"b":{"c":[{"exists":false}]}}}`, true},
		"exists not, in some element":     {`{"detail":{"people":{"first":[{"exists":false}]}}}`, false},
		"exists not, in no element":       {`{"detail":{"people":{"middle":[{"exists":false}]}}}`, true},
		"exists not, below an empty list": {`{"detail":{"none":{"x":[{"exists":false}]}}}`, true},
		"exists not, or a value":          {`{"detail":{"state":[{"exists":false},"running"]}}`, true},
		"numeric equals":                  {`{"detail":{"price":[{"numeric":["=",3.018e2]}]}}`, true},
		"numeric range":                   {`{"detail":{"count":[{"numeric":[">",0,"<=",5]}]}}`, true},
		"numeric below":                   {`{"detail":{"count":[{"numeric":["<",5]}]}}`, false},
		"numeric of a string":             {`{"detail":{"state":[{"numeric":["<",5]}]}}`, false},
		"numeric beyond 2^53":             {`{"detail":{"account":[{"numeric":[">",0]}]}}`, false},
		"wildcard":                        {`{"detail":{"File":[{"wildcard":"dir/*.png"}]}}`, true},
		"wildcard, escaped":               {`{"detail":{"File":[{"wildcard":"dir/a\\*b.png"}]}}`, true},
		"wildcard, no overlap":            {`{"detail":{"state":[{"wildcard":"runn*nning"}]}}`, false},
		"or, one":                         {`{"$or":[{"source":["x"]},{"detail":{"count":[5]}}]}`, true},
		"or, none":                        {`{"$or":[{"source":["x"]},{"detail":{"count":[6]}}]}`, false},
		"or, beside another":              {`{"source":["x"],"$or":[{"version":["0"]},{"version":["1"]}]}`, false},
		"or, below":                       {`{"detail":{"$or":[{"state":["stopped"]},{"on":[true]}]}}`, true},
		"or with exists not":              {`{"detail":{"$or":[{"state":["stopped"]},{"status":[{"exists":false}]}]}}`, true},
		"fields of one element":           {`{"detail":{"people":{"first":["Anna"],"last":["Smith"]}}}`, true},
		"fields of two elements":          {`{"detail":{"people":{"first":["Anna"],"last":["Jones"]}}}`, false},
		"an element of nested arrays":     {`{"detail":{"people":{"first":["Peter"]}}}`, true},
		"fields below a scalar":           {`{"source":{"x":["y"]}}`, false},
	}
	decoded := decode(t, event)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := compile(t, test.pattern).Match(decoded); got != test.want {
				t.Errorf("%s matches: %v", test.pattern, got)
			}
		})
	}
}

func TestCompileRefuses(t *testing.T) {
	many := strings.Repeat(`{"x":["1"]},`, 31) + `{"x":["1"]}`
	tests := map[string]struct{ pattern, want string }{
		"no JSON":     {`{`, `event pattern: unexpected EOF`},
		"two values":  {`{"a":["b"]} {}`, `more after the first value`},
		"no object":   {`["a"]`, `event pattern: want an object, got ["a"]`},
		"empty":       {`{}`, `event pattern: an empty object matches nothing`},
		"empty below": {`{"detail":{}}`, `detail: an empty object`},
		"no values":   {`{"detail":{"state":[]}}`, `detail.state: an empty array`},
		"a bare value": {`{"detail":{"state":"running"}}`,
			`detail.state: want an object or an array, got "running"`},
		"a nested array": {`{"detail":{"state":[["a"]]}}`, `detail.state: want a value or an operator, got ["a"]`},
		"a dotted key":   {`{"detail":{"a.b":["c"]}}`, `detail.a.b: a key with a dot`},
		"cidr": {`{"detail":{"ip":[{"cidr":"10.0.0.0/24"}]}}`,
			`detail.ip: operator "cidr" is not supported here; supported are anything-but, equals-ignore-case,`},
		"exactly":            {`{"detail":{"ip":[{"exactly":"a"}]}}`, `operator "exactly" is not supported`},
		"no operator":        {`{"a":[{}]}`, `a: want one operator, got 0`},
		"two operators":      {`{"a":[{"prefix":"a","suffix":"b"}]}`, `a: want one operator, got 2`},
		"prefix of a number": {`{"a":[{"prefix":1}]}`, `a: prefix: want a string, got 1`},
		"prefix of what": {`{"a":[{"prefix":{"suffix":"x"}}]}`,
			`a: prefix: operator "suffix" is not supported here; supported are equals-ignore-case`},
		"exists maybe":         {`{"a":[{"exists":"yes"}]}`, `a: exists: want true or false, got "yes"`},
		"anything but nothing": {`{"a":[{"anything-but":[]}]}`, `a: anything-but: an empty list`},
		"anything but null": {`{"a":[{"anything-but":null}]}`,
			`a: anything-but: want strings only, or numbers only, got null`},
		"anything but a mix": {`{"a":[{"anything-but":[1,"a"]}]}`, `want strings only, or numbers only, got "a"`},
		"anything but numeric": {`{"a":[{"anything-but":{"numeric":["=",1]}}]}`,
			`a: anything-but: operator "numeric" is not supported here; supported are equals-ignore-case, prefix, suffix, wildcard`},
		"numeric of one": {`{"a":[{"numeric":["="]}]}`, `a: numeric: want a form such as [">", 0, "<=", 5]`},
		"numeric of a string": {`{"a":[{"numeric":["=","1"]}]}`,
			`a: numeric: want one of = < <= > >= and a number within 2^53`},
		"numeric sign":         {`{"a":[{"numeric":["!=",1]}]}`, `want one of = < <= > >=`},
		"numeric beyond 2^53":  {`{"a":[{"numeric":["=",9007199254740994]}]}`, `a number within 2^53`},
		"numeric empty range":  {`{"a":[{"numeric":[">",5,"<",5]}]}`, `a lower bound, then a higher upper bound`},
		"numeric two lower":    {`{"a":[{"numeric":[">",5,">",6]}]}`, `a lower bound, then a higher upper bound`},
		"wildcard of a number": {`{"a":[{"wildcard":1}]}`, `a: wildcard: want a string`},
		"wildcard twice":       {`{"a":[{"wildcard":"a**"}]}`, `a: wildcard: consecutive * in "a**"`},
		"wildcard escape":      {`{"a":[{"wildcard":"\\a"}]}`, `a: wildcard: only \* and \\ are escapes`},
		"or of one":            {`{"$or":[{"a":["b"]}]}`, `$or: want an array of two objects or more`},
		"or of values":         {`{"$or":["a","b"]}`, `$or: want objects, got "a"`},
		"or of operators": {`{"x":{"$or":[{"prefix":["a"]},{"b":["c"]}]}}`,
			`x.$or: operator "prefix" stands where a field must`},
		"or of something wrong": {`{"$or":[{"a":["b"]},{"c":"d"}]}`, `$or[1]: c: want an object or an array`},
		"or of too many":        {`{"a":{"$or":[` + many + `]},"b":{"$or":[` + many + `]}}`, `$or makes 1024 combinations`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := pattern.Compile([]byte(test.pattern))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

var texts = rapid.StringMatching(`[abAB*\\é]{0,6}`)

// A wildcard is what the regular expression with .* in its place is.
func TestWildcardIsItsRegexp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.StringMatching(`[abé\\*]{1,2}`), 1, 4).Draw(t, "parts")
		var globs, expressions []string
		for _, part := range parts {
			globs = append(globs, strings.NewReplacer(`\`, `\\`, `*`, `\*`).Replace(part))
			expressions = append(expressions, regexp.QuoteMeta(part))
		}
		ends := rapid.SampledFrom([]string{"", "*"})
		before, after := ends.Draw(t, "before"), ends.Draw(t, "after")
		glob := before + strings.Join(globs, "*") + after
		expression := regexp.MustCompile(`(?s)\A` + dots(before) + strings.Join(expressions, ".*") + dots(after) + `\z`)
		value := rapid.OneOf(texts, rapid.Just(strings.Join(parts, "a")), rapid.Just(strings.Join(parts, ""))).Draw(t,
			"value")
		if got, want := matches(t, "wildcard", glob, value), expression.MatchString(value); got != want {
			t.Errorf("wildcard %q on %q: %v, %s says %v", glob, value, got, expression, want)
		}
	})
}

func dots(star string) string { return strings.ReplaceAll(star, "*", ".*") }

func TestStringOperators(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value, want := texts.Draw(t, "value"), texts.Draw(t, "want")
		for operator, holds := range map[string]func(string, string) bool{
			"prefix": strings.HasPrefix, "suffix": strings.HasSuffix, "equals-ignore-case": strings.EqualFold,
		} {
			if got := matches(t, operator, want, value); got != holds(value, want) {
				t.Errorf("%s %q on %q: %v", operator, want, value, got)
			}
			if got := matches(t, "anything-but", map[string]any{operator: want}, value); got == holds(value, want) {
				t.Errorf("anything-but %s %q on %q: %v", operator, want, value, got)
			}
		}
		folded := strings.HasPrefix(strings.ToLower(value), strings.ToLower(want))
		if got := matches(t, "prefix", map[string]any{"equals-ignore-case": want}, value); got != folded {
			t.Errorf("prefix %q in any case on %q: %v", want, value, got)
		}
		if got := matches(t, "anything-but", want, value); got == (value == want) {
			t.Errorf("anything-but %q on %q: %v", want, value, got)
		}
	})
}

// Whatever the event: a field is there or it is not, a $or is one or the other,
// two fields are both, and an array is any of its elements.
func TestLogic(t *testing.T) {
	leaf := rapid.Custom(func(t *rapid.T) string {
		field := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "field")
		value := rapid.SampledFrom([]string{`"x"`, `1`, `null`, `{"exists":true}`, `{"exists":false}`,
			`{"anything-but":"x"}`}).Draw(t, "value")
		if rapid.Bool().Draw(t, "deep") {
			return fmt.Sprintf(`"d":{%q:[%s]}`, field, value)
		}
		return fmt.Sprintf(`%q:[%s]`, field, value)
	})
	scalars := rapid.SampledFrom([]string{`"x"`, `"y"`, `1`, `null`, `[]`, `["x","y"]`, `[1]`})
	object := rapid.Custom(func(t *rapid.T) string {
		var fields []string
		for _, field := range []string{"a", "b", "c"} {
			if rapid.Bool().Draw(t, field) {
				fields = append(fields, fmt.Sprintf("%q:%s", field, scalars.Draw(t, "value")))
			}
		}
		return strings.Join(fields, ",")
	})
	rapid.Check(t, func(t *rapid.T) {
		text := fmt.Sprintf(`{"d":{%s}`, object.Draw(t, "deep"))
		if top := object.Draw(t, "top"); top != "" {
			text += "," + top
		}
		decoded := decode(t, text+"}")
		one, two := leaf.Draw(t, "one"), leaf.Draw(t, "two")
		first, second := compile(t, "{"+one+"}").Match(decoded), compile(t, "{"+two+"}").Match(decoded)
		if got := compile(t, fmt.Sprintf(`{"$or":[{%s},{%s}]}`, one, two)).Match(decoded); got != (first || second) {
			t.Errorf("%s or %s: %v", one, two, got)
		}
		if got := compile(t, fmt.Sprintf(`{"$or":[{%s},{%s}],"e":[{"exists":true}]}`, one, two)).Match(decoded); got {
			t.Error("e is not there")
		}
		if exists := strings.Replace(one, "true", "false", 1); exists != one {
			if got := compile(t, "{"+exists+"}").Match(decoded); got == first {
				t.Errorf("%s: %v both ways", one, got)
			}
		}
	})
}

func FuzzPattern(f *testing.F) {
	f.Add(`{"source":["aws.tag"],"detail":{"keys":["goldsmith:image"],"tags":{"goldsmith:image":[{"exists":true}]}}}`,
		event)
	f.Add(`{"$or":[{"detail":{"count":[{"numeric":[">",0,"<=",5]}]}},{"detail":{"File":[{"wildcard":"dir/*.png"}]}}]}`,
		event)
	f.Add(`{"detail":{"state":[{"anything-but":{"prefix":["a","b"]}},{"suffix":{"equals-ignore-case":"X"}}]}}`, event)
	f.Fuzz(func(t *testing.T, text, event string) {
		p, err := pattern.Compile([]byte(text))
		if err != nil {
			if len(err.Error()) > 4*len(text)+500 {
				t.Errorf("%d bytes of error for %d of pattern", len(err.Error()), len(text))
			}
			return
		}
		decoded, err := pattern.Decode([]byte(event))
		if err != nil {
			return
		}
		// Among others that match nothing, the event matches as it does alone.
		alone := p.Match(decoded)
		if among := p.Match([]any{decoded}); alone && !among {
			t.Error("an event does not match within an array")
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	p, err := pattern.Compile([]byte(`{"source":["aws.ec2"],"detail":{"keys":["goldsmith:image"],"tags":{"goldsmith:image":[{"exists":true}]}}}`))
	if err != nil {
		b.Fatal(err)
	}
	decoded, err := pattern.Decode([]byte(event))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if !p.Match(decoded) {
			b.Fatal("no match")
		}
	}
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func matches(t fataler, operator string, operand any, value string) bool {
	t.Helper()
	text, err := json.Marshal(map[string]any{"x": []any{map[string]any{operator: operand}}})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return compile(t, string(text)).Match(map[string]any{"x": value})
}

func compile(t fataler, text string) *pattern.Pattern {
	t.Helper()
	p, err := pattern.Compile([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return p
}

func decode(t fataler, text string) any {
	t.Helper()
	decoded, err := pattern.Decode([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return decoded
}
