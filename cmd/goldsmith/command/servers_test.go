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

// What a server was is kept with its image, so that it is known once the server is gone; and what of that went with it.
func TestImagesOfAServerThatIsGone(t *testing.T) {
	play(t, func(s *scene) {
		group, err := s.cloud.CreateSecurityGroup(s.Context(), &sdk.CreateSecurityGroupInput{
			GroupName: aws.String("shop"), Description: aws.String("of the shop"), VpcId: s.vpc()})
		s.must(err)
		s.suite.EC2.AddKeyPair("ops")
		s.suite.EC2.AddInstanceProfile("shop")
		web := s.launch("web", func(in *sdk.RunInstancesInput) {
			in.KeyName, in.SecurityGroupIds = aws.String("ops"), []string{aws.ToString(group.GroupId)}
			in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: aws.String("shop")}
			in.Monitoring = &types.RunInstancesMonitoringEnabled{Enabled: aws.Bool(true)}
		})
		s.must(s.suite.EC2.SetElasticIP(web, "198.51.100.7"))
		s.types("run", "nightly", "--wait")
		time.Sleep(time.Hour)
		s.golden("images-server", s.types("images", "--name", "web"), command.OK)
		s.must(s.suite.EC2.SetState(web, ec2.Terminated))
		_, err = s.cloud.DeleteSecurityGroup(s.Context(), &sdk.DeleteSecurityGroupInput{GroupId: group.GroupId})
		s.must(err)
		_, err = s.cloud.DeleteKeyPair(s.Context(), &sdk.DeleteKeyPairInput{KeyName: aws.String("ops")})
		s.must(err)
		s.golden("images-server-gone", s.types("images", "--name", "web"), command.OK)
	})
}

// vpc is the one that instances are launched in.
func (s *scene) vpc() *string {
	s.Helper()
	out, err := s.cloud.DescribeVpcs(s.Context(), &sdk.DescribeVpcsInput{})
	s.must(err)
	return out.Vpcs[0].VpcId
}
