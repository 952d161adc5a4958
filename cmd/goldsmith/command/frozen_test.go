package command_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/cmd/goldsmith/command"
	"goldsmith/local/ec2"
)

// What would be frozen, and what could not be.
func TestPlanOfWhatIsFrozen(t *testing.T) {
	const path = "testdata/frozen.yaml"
	play(t, func(s *scene) {
		s.suite.EC2.AddInstanceProfile("managed")
		managed := func(in *sdk.RunInstancesInput) {
			in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: aws.String("managed")}
		}
		s.launch("db", managed)
		s.launch("bare")
		s.launch("desktop", managed, func(in *sdk.RunInstancesInput) { in.ImageId = aws.String(ec2.ImageWindows) })
		time.Sleep(2 * time.Minute)
		s.golden("check-frozen", s.types("check", path), command.OK)
		s.golden("plan-frozen", s.types("plan", "--plans", path), command.OK)
	})
}
