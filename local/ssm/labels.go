package ssm

import (
	"regexp"
	"slices"

	"goldsmith/local/awsjson"
)

// labelsMost is how many labels a version may have (User Guide, "Working with parameter labels").
const labelsMost = 10

// A label is letters, digits and . _ -, at most 100, and begins neither with a digit nor with aws or ssm.
var (
	legalLabel    = regexp.MustCompile(`^[a-zA-Z_.\-][a-zA-Z0-9_.\-]{0,99}$`)
	reservedLabel = regexp.MustCompile(`(?i)^(aws|ssm)`)
)

type labelInput struct {
	Name             string
	ParameterVersion int64
	Labels           []string
}

type labelOutput struct {
	InvalidLabels    []string
	ParameterVersion int64
}

// labelVersion puts labels on a version, the newest when none is said. A label is on one version at
// a time, and moves.
func (s *Store) labelVersion(in labelInput) (labelOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, at, err := s.versionOf(in.Name, in.ParameterVersion)
	if err != nil {
		return labelOutput{}, err
	}
	out := labelOutput{InvalidLabels: []string{}, ParameterVersion: p.versions[at].Number}
	labels := slices.Clone(p.versions[at].labels)
	for _, label := range in.Labels {
		switch {
		case !legalLabel.MatchString(label) || reservedLabel.MatchString(label):
			out.InvalidLabels = append(out.InvalidLabels, label)
		case !slices.Contains(labels, label):
			labels = append(labels, label)
		}
	}
	if len(labels) > labelsMost {
		return labelOutput{}, awsjson.Errorf("ParameterVersionLabelLimitExceeded",
			"A parameter version can have maximum %d labels.", labelsMost)
	}
	for n := range p.versions {
		p.versions[n].labels = slices.DeleteFunc(slices.Clone(p.versions[n].labels),
			func(l string) bool { return slices.Contains(labels, l) })
	}
	p.versions[at].labels = labels
	return out, nil
}

type unlabelOutput struct{ RemovedLabels, InvalidLabels []string }

func (s *Store) unlabelVersion(in labelInput) (unlabelOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, at, err := s.versionOf(in.Name, in.ParameterVersion)
	if err != nil {
		return unlabelOutput{}, err
	}
	out := unlabelOutput{RemovedLabels: []string{}, InvalidLabels: []string{}}
	for _, label := range in.Labels {
		if slices.Contains(p.versions[at].labels, label) {
			out.RemovedLabels = append(out.RemovedLabels, label)
		} else {
			out.InvalidLabels = append(out.InvalidLabels, label)
		}
	}
	p.versions[at].labels = slices.DeleteFunc(slices.Clone(p.versions[at].labels),
		func(l string) bool { return slices.Contains(in.Labels, l) })
	return out, nil
}

// versionOf finds a version by number, 0 for the newest. It is called with the lock held.
func (s *Store) versionOf(name string, wanted int64) (*parameter, int, error) {
	v, err := s.find(name)
	if err != nil {
		return nil, 0, err
	}
	p := s.parameters[plain(v.name)]
	if wanted == 0 {
		wanted = v.Number
	}
	at := slices.IndexFunc(p.versions, func(v version) bool { return v.Number == wanted })
	if at < 0 {
		return nil, 0, awsjson.Errorf("ParameterVersionNotFound",
			"Systems Manager could not find version %d of %s. Verify the version and try again.", wanted, name)
	}
	return p, at, nil
}

type historyInput struct {
	Name           string
	WithDecryption bool
	MaxResults     *int
	NextToken      string
}

// past is one version in a parameter's history.
type past struct {
	Name, Type, Value, DataType, Tier string
	Description                       string `json:",omitempty"`
	Version                           int64
	Labels                            []string
	LastModifiedDate                  awsjson.Time
}

type historyOutput struct {
	Parameters []past
	NextToken  string `json:",omitempty"`
}

func (s *Store) history(in historyInput) (historyOutput, error) {
	const most = 50
	n := most
	if in.MaxResults != nil {
		n = *in.MaxResults
	}
	if n < 1 || n > most {
		return historyOutput{}, awsjson.Errorf("ValidationException",
			"1 validation error detected: Value '%d' at 'maxResults' failed to satisfy constraint: Member must have value "+
				"between 1 and %d", n, most)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.find(in.Name)
	if err != nil {
		return historyOutput{}, err
	}
	page, next, err := awsjson.Page(s.parameters[plain(v.name)].versions, in.NextToken, n)
	if err != nil {
		return historyOutput{}, err
	}
	out := historyOutput{Parameters: []past{}, NextToken: next}
	for _, v := range page {
		out.Parameters = append(out.Parameters, past{
			Name: v.name, Type: v.Type, Value: v.shown(in.WithDecryption), DataType: v.DataType, Tier: v.Tier,
			Description: v.Description,
			Version:     v.Number, Labels: append([]string{}, v.labels...), LastModifiedDate: awsjson.Time(v.At),
		})
	}
	return out, nil
}
