package dynamodb

import (
	"goldsmith/local/awsjson"
)

type ttlSpecification struct {
	Enabled       bool
	AttributeName string
}

type ttlInput struct {
	TableName               string
	TimeToLiveSpecification *ttlSpecification
}

type ttlOutput struct{ TimeToLiveSpecification ttlSpecification }

func (s *Store) updateTimeToLive(in ttlInput) (ttlOutput, error) {
	t, err := s.steady(in.TableName)
	if err != nil {
		return ttlOutput{}, err
	}
	wanted := in.TimeToLiveSpecification
	if wanted == nil || wanted.AttributeName == "" {
		return ttlOutput{}, awsjson.Required("timeToLiveSpecification.attributeName")
	}
	if err := t.expires(*wanted); err != nil {
		return ttlOutput{}, err
	}
	t.ttl = ""
	if wanted.Enabled {
		t.ttl = wanted.AttributeName
	}
	return ttlOutput{*wanted}, nil
}

// expires refuses a time to live that is on or off already.
func (t *table) expires(wanted ttlSpecification) error {
	switch {
	case wanted.Enabled && t.ttl != "":
		return invalid("TimeToLive is already enabled")
	case !wanted.Enabled && t.ttl == "":
		return invalid("TimeToLive is already disabled")
	case !wanted.Enabled && t.ttl != wanted.AttributeName:
		return invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s", t.ttl)
	}
	return nil
}

type ttlDescription struct {
	TimeToLiveDescription struct {
		TimeToLiveStatus string
		AttributeName    string `json:",omitempty"`
	}
}

func (s *Store) describeTimeToLive(in nameInput) (ttlDescription, error) {
	var out ttlDescription
	t, err := s.find(in.TableName)
	if err != nil {
		return out, err
	}
	out.TimeToLiveDescription.TimeToLiveStatus, out.TimeToLiveDescription.AttributeName = "DISABLED", t.ttl
	if t.ttl != "" {
		out.TimeToLiveDescription.TimeToLiveStatus = "ENABLED"
	}
	return out, nil
}
