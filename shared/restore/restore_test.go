package restore_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"pgregory.net/rapid"

	"goldsmith/local/clock"
	"goldsmith/local/ec2"
	"goldsmith/local/query"
	"goldsmith/shared/job"
	"goldsmith/shared/restore"
)

// Whatever a server had, what is named is just what there is no more of it.
func TestLacks(t *testing.T) {
	world := ec2.New(ec2.Options{Clock: clock.Scaled(time.Now(), 1000), Seed: 1})
	cloud := sdk.NewFromConfig(aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String("http://aws.local"), HTTPClient: query.Client(world),
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})
	out, err := cloud.DescribeSubnets(t.Context(), &sdk.DescribeSubnetsInput{})
	if err != nil {
		t.Fatal(err)
	}
	subnets := []string{"subnet-0123456789abcdef0"}
	for _, s := range out.Subnets {
		subnets = append(subnets, aws.ToString(s.SubnetId))
	}
	world.AddSecurityGroup("sg-0aaaaaaaaaaaaaaaa", "web")
	world.AddKeyPair("ops")
	there := append([]string{"sg-0aaaaaaaaaaaaaaaa", "ops", "t3.micro", "m6g.large", ""}, subnets[1:]...)
	rapid.Check(t, func(t *rapid.T) {
		var want []string
		some := func(what string, from ...string) string {
			id := rapid.SampledFrom(from).Draw(t, what)
			if named := what + " " + id; !slices.Contains(there, id) && !slices.Contains(want, named) {
				want = append(want, named)
			}
			return id
		}
		s := job.Server{Type: some("instance type", "t3.micro", "m6g.large", "t0.huge"), Subnet: some("subnet", subnets...),
			Key: some("key pair", "ops", "", "o*s", "gone")}
		for n := range rapid.IntRange(0, 3).Draw(t, "interfaces") {
			i := job.Interface{ID: fmt.Sprint("eni-", n), Subnet: some("subnet", subnets...)}
			for range rapid.IntRange(0, 3).Draw(t, "groups") {
				i.Groups = append(i.Groups, some("security group", "sg-0aaaaaaaaaaaaaaaa", "sg-0bbbbbbbbbbbbbbbb",
					"sg-0cccccccccccccccc"))
			}
			s.Interfaces = append(s.Interfaces, i)
		}
		got, err := restore.Lacks(t.Context(), cloud, s)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("%+v lacks %q, want %q", s, got, want)
		}
	})
}
