package report

import (
	"cmp"
	"regexp"
	"sync"
)

// An execution, or a child of a Map Run, whose machine has the Map's label behind a slash.
// Few functions ask for it, and it takes the others a part of a millisecond to compile.
var execution = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):states:([a-z]{2}(?:-[a-z]+)+-\d):\d{12}:execution:` +
		`[A-Za-z0-9_/-]{1,180}:[A-Za-z0-9_-]{1,80}$`)
})

// consoles are the console's hosts per partition.
var consoles = map[string]string{
	"aws":        "console.aws.amazon.com",
	"aws-cn":     "console.amazonaws.cn",
	"aws-us-gov": "console.amazonaws-us-gov.com",
}

// ConsoleHost is where the console of a partition is, behind a Region's name; of one that is not known, where most are.
func ConsoleHost(partition string) string { return cmp.Or(consoles[partition], consoles["aws"]) }

// Console is the execution's page in the Step Functions console; empty when arn is no execution's.
func Console(arn string) string {
	found := execution().FindStringSubmatch(arn)
	if found == nil {
		return ""
	}
	host, region := ConsoleHost(found[1]), found[2]
	return "https://" + region + "." + host + "/states/home?region=" + region + "#/v2/executions/details/" + arn
}
