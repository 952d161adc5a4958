package ssm

import (
	"slices"

	"goldsmith/local/awsjson"
)

type nodesInput struct {
	Filters    []nodeFilter
	MaxResults *int
	NextToken  string
}

// nodeFilter is an InstanceInformationStringFilter.
type nodeFilter struct {
	Key    string
	Values []string
}

type nodesOutput struct {
	InstanceInformationList []nodeShape
	NextToken               string `json:",omitempty"`
}

type nodeShape struct{ InstanceId, PingStatus, PlatformType, ResourceType string }

// Limits of DescribeInstanceInformation (API reference).
const (
	leastNodes, mostNodes = 5, 50
	defaultNodes          = 10
	mostFilterValues      = 100
)

// describeNodes shows the instances that are asked for and whose agents have registered. One that is stopped is not
// shown (aws/amazon-ssm-agent, issue 407).
func (s *Store) describeNodes(in nodesInput) (nodesOutput, error) {
	out := nodesOutput{InstanceInformationList: []nodeShape{}}
	most := defaultNodes
	if in.MaxResults != nil {
		most = *in.MaxResults
	}
	if most < leastNodes || most > mostNodes {
		return out, awsjson.Errorf("ValidationException", "1 validation error detected: Value at 'maxResults' failed to "+
			"satisfy constraint: Member must have value between %d and %d", leastNodes, mostNodes)
	}
	if len(in.Filters) != 1 || in.Filters[0].Key != "InstanceIds" {
		return out, awsjson.Errorf("InvalidFilterKey", "the embedded Systems Manager wants the filter InstanceIds")
	}
	ids := in.Filters[0].Values
	if len(ids) == 0 || len(ids) > mostFilterValues {
		return out, awsjson.Errorf("InvalidInstanceInformationFilterValue", "The specified filter value isn't valid.")
	}
	var found []nodeShape
	for _, id := range slices.Sorted(slices.Values(ids)) {
		if s.options.Managed(id) {
			found = append(found, nodeShape{id, "Online", "Linux", "EC2Instance"})
		}
	}
	page, next, err := awsjson.Page(found, in.NextToken, most)
	out.InstanceInformationList, out.NextToken = append(out.InstanceInformationList, page...), next
	return out, err
}
