package sfn

import "goldsmith/local/bucket"

// throttles are the token buckets of the API's actions: of the three large Regions, and of all others (Developer
// Guide, "Quotas related to API action throttling").
var throttles = map[string]struct{ large, other bucket.Size }{
	"StartExecution":             {bucket.Of(1300, 300), bucket.Of(800, 150)},
	"RedriveExecution":           {bucket.Of(1300, 300), bucket.Of(800, 150)},
	"StopExecution":              {bucket.Of(1000, 200), bucket.Of(500, 25)},
	"DescribeExecution":          {bucket.Of(300, 15), bucket.Of(250, 10)},
	"ListExecutions":             {bucket.Of(200, 5), bucket.Of(100, 2)},
	"GetExecutionHistory":        everywhere(400, 20),
	"SendTaskSuccess":            {bucket.Of(3000, 500), bucket.Of(1500, 300)},
	"SendTaskFailure":            {bucket.Of(3000, 500), bucket.Of(1500, 300)},
	"SendTaskHeartbeat":          {bucket.Of(3000, 500), bucket.Of(1500, 300)},
	"DescribeStateMachine":       everywhere(200, 20),
	"ListStateMachines":          everywhere(100, 5),
	"DescribeMapRun":             everywhere(200, 1),
	"ListMapRuns":                everywhere(100, 1),
	"PublishStateMachineVersion": everywhere(100, 1),
	"ListStateMachineVersions":   everywhere(100, 1),
	"CreateStateMachineAlias":    everywhere(100, 1),
	"DescribeStateMachineAlias":  everywhere(200, 1),
	"UpdateStateMachineAlias":    everywhere(100, 1),
	"ListStateMachineAliases":    everywhere(100, 1),
}

func everywhere(burst, perSecond float64) struct{ large, other bucket.Size } {
	of := bucket.Of(burst, perSecond)
	return struct{ large, other bucket.Size }{of, of}
}

// large are the Regions with larger quotas.
func large(region string) bool {
	return region == "us-east-1" || region == "us-west-2" || region == "eu-west-1"
}

// admit lets a call in unless its bucket is empty. The words are those of HumanCellAtlas/data-store#1061.
func (s *Service) admit(action string) error {
	of := throttles[action].other
	if large(s.options.Region) {
		of = throttles[action].large
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets.Take(action, of, s.options.Clock.Now(), 1) {
		return nil
	}
	return failure("ThrottlingException", "Rate exceeded")
}
