package command_test

import (
	"strings"
	"testing"

	"goldsmith/cmd/goldsmith/command"
	"goldsmith/local/ec2"
)

// A session that has expired is no lack of permissions: people are told to sign in again.
func TestExpiredSession(t *testing.T) {
	for code, advice := range map[string]string{
		"RequestExpired":        "sign in again (aws sso login)",
		"ExpiredToken":          "sign in again (aws sso login)",
		"UnauthorizedOperation": "Use credentials that may do this",
	} {
		play(t, func(s *scene) {
			s.suite.EC2.Inject(ec2.Fault{Action: "DescribeInstances", Code: code})
			got := s.types("plan", "--plans", plans)
			if got.code != command.Broken || !strings.Contains(got.err, advice) || !strings.Contains(got.err, code) {
				s.Errorf("%s: exit %d, %s", code, got.code, got.err)
			}
		})
	}
}
