package asg

import "time"

// ParameterCheck is how long Parameter Store may take to check an image that was written to a parameter which groups
// launch from: PutParameter answers before that, and the parameter reads the old value until then (Systems Manager,
// "Native parameter support for Amazon Machine Image IDs").
const ParameterCheck = 10 * time.Minute
