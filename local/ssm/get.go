package ssm

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"

	"goldsmith/local/awsjson"
)

// shape is a Parameter as GetParameter returns it.
type shape struct {
	Name, Type, Value string
	Version           int64
	Selector          string `json:",omitempty"`
	LastModifiedDate  awsjson.Time
	ARN, DataType     string
}

// shown is a version's value: that of a SecureString is ciphertext unless it is to be decrypted
// (API reference, GetParameter).
func (v version) shown(decrypted bool) string {
	if v.Type != "SecureString" || decrypted {
		return v.Value
	}
	sum := sha256.Sum256([]byte(v.name + "\n" + v.Value))
	return base64.StdEncoding.EncodeToString(append([]byte{1, 2, 2, 0}, sum[:]...))
}

func (s *Store) shape(v version, selector string, decrypted bool) shape {
	if selector != "" {
		selector = ":" + selector
	}
	return shape{
		Name: v.name, Type: v.Type, Value: v.shown(decrypted), Version: v.Number, Selector: selector,
		LastModifiedDate: awsjson.Time(v.At), ARN: s.arn(v.name), DataType: v.DataType,
	}
}

type getInput struct {
	Name           string
	WithDecryption bool
}

type getOutput struct{ Parameter shape }

func (s *Store) getParameter(in getInput) (getOutput, error) {
	if in.Name == "" {
		return getOutput{}, awsjson.Required("name")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.find(in.Name)
	if err != nil {
		return getOutput{}, err
	}
	_, selector := split(in.Name)
	return getOutput{s.shape(v, selector, in.WithDecryption)}, nil
}

type getManyInput struct {
	Names          []string
	WithDecryption bool
}

type getManyOutput struct {
	Parameters        []shape
	InvalidParameters []string
}

func (s *Store) getParameters(in getManyInput) (getManyOutput, error) {
	const most = 10
	if n := len(in.Names); n == 0 || n > most {
		return getManyOutput{}, awsjson.Errorf("ValidationException",
			"1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length between 1 "+
				"and %d", most)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := getManyOutput{Parameters: []shape{}, InvalidParameters: []string{}}
	for _, name := range in.Names {
		v, err := s.find(name)
		if err != nil {
			out.InvalidParameters = append(out.InvalidParameters, name)
			continue
		}
		_, selector := split(name)
		out.Parameters = append(out.Parameters, s.shape(v, selector, in.WithDecryption))
	}
	return out, nil
}

type filter struct {
	Key, Option string
	Values      []string
}

type byPathInput struct {
	Path             string
	Recursive        bool
	WithDecryption   bool
	ParameterFilters []filter
	MaxResults       *int
	NextToken        string
}

type byPathOutput struct {
	Parameters []shape
	NextToken  string `json:",omitempty"`
}

func (s *Store) getParametersByPath(in byPathInput) (byPathOutput, error) {
	if !strings.HasPrefix(in.Path, "/") {
		return byPathOutput{}, awsjson.Errorf("ValidationException", "The parameter path must begin with a slash (/).")
	}
	option := "OneLevel"
	if in.Recursive {
		option = "Recursive"
	}
	filters := append([]filter{{Key: "Path", Option: option, Values: []string{in.Path}}}, in.ParameterFilters...)
	found, next, err := s.page(filters, in.MaxResults, 10, in.NextToken)
	if err != nil {
		return byPathOutput{}, err
	}
	out := byPathOutput{Parameters: []shape{}, NextToken: next}
	for _, v := range found {
		out.Parameters = append(out.Parameters, s.shape(v, "", in.WithDecryption))
	}
	return out, nil
}

type describeInput struct {
	ParameterFilters []filter
	Filters          []filter
	MaxResults       *int
	NextToken        string
}

// metadata is a ParameterMetadata, which has everything but the value.
type metadata struct {
	Name, Type, ARN, DataType, Tier string
	Description                     string `json:",omitempty"`
	AllowedPattern                  string `json:",omitempty"`
	Version                         int64
	LastModifiedDate                awsjson.Time
}

type describeOutput struct {
	Parameters []metadata
	NextToken  string `json:",omitempty"`
}

func (s *Store) describeParameters(in describeInput) (describeOutput, error) {
	found, next, err := s.page(slices.Concat(in.ParameterFilters, in.Filters), in.MaxResults, 50, in.NextToken)
	if err != nil {
		return describeOutput{}, err
	}
	out := describeOutput{Parameters: []metadata{}, NextToken: next}
	for _, v := range found {
		out.Parameters = append(out.Parameters, metadata{
			Name: v.name, Type: v.Type, ARN: s.arn(v.name), DataType: v.DataType, Tier: v.Tier, Description: v.Description,
			AllowedPattern: v.allowPattern, Version: v.Number, LastModifiedDate: awsjson.Time(v.At),
		})
	}
	return out, nil
}

func (s *Store) page(filters []filter, asked *int, most int, token string) ([]version, string, error) {
	n := most
	if asked != nil {
		n = *asked
	}
	if n < 1 || n > most {
		return nil, "", awsjson.Errorf("ValidationException",
			"1 validation error detected: Value '%d' at 'maxResults' failed to satisfy constraint: Member must have value "+
				"between 1 and %d", n, most)
	}
	s.mu.Lock()
	list := s.current()
	s.mu.Unlock()
	for _, f := range filters {
		keep, err := f.test()
		if err != nil {
			return nil, "", err
		}
		list = slices.DeleteFunc(list, func(v version) bool { return !keep(v) })
	}
	return awsjson.Page(list, token, n)
}

// test is the filter as a question. Keys and options are those of ParameterStringFilter.
func (f filter) test() (func(version) bool, error) {
	if len(f.Values) == 0 {
		return nil, awsjson.Errorf("InvalidFilterValue", "The filter value isn't valid: %s has no values.", f.Key)
	}
	some := func(match func(value string) bool) bool { return slices.ContainsFunc(f.Values, match) }
	switch f.Key {
	case "Name":
		match, ok := map[string]func(s, part string) bool{
			"": equal, "Equals": equal, "BeginsWith": strings.HasPrefix, "Contains": strings.Contains,
		}[f.Option]
		if !ok {
			return nil, badOption(f)
		}
		return func(v version) bool { return some(func(value string) bool { return match(v.name, value) }) }, nil
	case "Path":
		if f.Option != "" && f.Option != "OneLevel" && f.Option != "Recursive" {
			return nil, badOption(f)
		}
		return func(v version) bool {
			return some(func(path string) bool { return below(v.name, path, f.Option == "Recursive") })
		}, nil
	case "Type":
		return f.equals(func(v version) string { return v.Type })
	case "DataType":
		return f.equals(func(v version) string { return v.DataType })
	}
	return nil, awsjson.Errorf("InvalidFilterKey", "The specified filter key isn't valid: %s.", f.Key)
}

// equals knows no option but Equals, which is meant without one.
func (f filter) equals(of func(version) string) (func(version) bool, error) {
	if f.Option != "" && f.Option != "Equals" {
		return nil, badOption(f)
	}
	return func(v version) bool { return slices.Contains(f.Values, of(v)) }, nil
}

func badOption(f filter) error {
	return awsjson.Errorf("InvalidFilterOption", "The following filter option is not valid: %s.", f.Option)
}

func equal(a, b string) bool { return a == b }

func below(name, path string, deep bool) bool {
	// A name without levels is below / as well.
	name = "/" + strings.TrimPrefix(name, "/")
	rest, ok := strings.CutPrefix(name, strings.TrimSuffix(path, "/")+"/")
	return ok && (deep || !strings.Contains(rest, "/"))
}
