// Package organizations is the embedded AWS Organizations, as far as it says which organization the account is in.
package organizations

import (
	"net/http"
	"sync"

	"goldsmith/local/awsjson"
	"goldsmith/local/clock"
	"goldsmith/local/query"
)

// Options set a service up. All are required but Log.
type Options struct {
	Clock *clock.Clock
	Log   *query.Log
}

// Service is the account's view of its organization. At first it is in none.
type Service struct {
	http.Handler

	mu sync.Mutex
	of *Organization
}

// Organization is one, with the account that manages it.
type Organization struct{ ID, Management string }

// ARN is the organization's.
func (o Organization) ARN() string {
	return "arn:aws:organizations::" + o.Management + ":organization/" + o.ID
}

// UnitARN is that of an organizational unit of it.
func (o Organization) UnitARN(unit string) string {
	return "arn:aws:organizations::" + o.Management + ":ou/" + o.ID + "/" + unit
}

// New answers DescribeOrganization.
func New(o Options) *Service {
	s := &Service{}
	s.Handler = &awsjson.Service{
		Name: "organizations", Target: "AWSOrganizationsV20161128", Clock: o.Clock, Log: o.Log,
		Operations: map[string]awsjson.Operation{
			"DescribeOrganization": awsjson.Op(s.describe, func(struct{}) []string { return nil }),
		},
	}
	return s
}

// Join makes the account a member of an organization, from now on.
func (s *Service) Join(o Organization) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of = &o
}

type describeOutput struct {
	Organization organization
}

type organization struct {
	Arn, FeatureSet    string
	ID                 string `json:"Id"`
	MasterAccountArn   string
	MasterAccountEmail string
	MasterAccountID    string `json:"MasterAccountId"`
}

// describe: the code of an account that is in no organization is in the API reference, DescribeOrganization.
func (s *Service) describe(struct{}) (out describeOutput, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		return out, awsjson.Errorf("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
	}
	return describeOutput{organization{
		Arn: s.of.ARN(), FeatureSet: "ALL", ID: s.of.ID, MasterAccountID: s.of.Management,
		MasterAccountArn:   "arn:aws:organizations::" + s.of.Management + ":account/" + s.of.ID + "/" + s.of.Management,
		MasterAccountEmail: "management@example.com",
	}}, nil
}
