package prove

import _ "embed" // the policy

// Policy is what whoever runs the probes has to be allowed, as a policy document of IAM.
//
//go:embed policy.json
var Policy string
