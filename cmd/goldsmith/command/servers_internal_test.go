package command

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"gotest.tools/v3/assert"

	"goldsmith/local/clock"
	"goldsmith/local/ec2"
	"goldsmith/local/query"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// Of each source what its newest own image at home was made of is shown: neither a general one, which is of a clone, nor
// a copy, nor what is not known to be Goldsmith's.
func TestServersAreOfTheSourcesOwnImages(t *testing.T) {
	home := "eu-central-1"
	all, note, err := servers(t.Context(), aws.Config{Region: home}, made{}, []goldenImage{
		{ID: "ami-9", Region: home, Source: "i-1", Of: "web", General: true},
		{ID: "ami-8", Region: "eu-west-3", Source: "i-1", Of: "web"},
		{ID: "ami-7", Region: home, Source: "i-1", Of: "web", Unregistered: true},
		{ID: "ami-6", Region: home, Source: "i-1", Of: "web"},
		{ID: "ami-5", Region: home, Source: "i-1", Of: "web"},
		{ID: "ami-4", Region: home, Source: "i-2", Of: "web"},
	})
	assert.NilError(t, err)
	assert.Equal(t, note, "")
	assert.DeepEqual(t, all, []server{{Of: "web", Image: "ami-6"}, {Of: "web", Image: "ami-4"}})
}

// Where what a server had may not be looked for it is not said to be there.
func TestServersThatMayNotBeLookedAt(t *testing.T) {
	world := ec2.New(ec2.Options{Clock: clock.Scaled(time.Now(), 1000), Seed: 1})
	world.Inject(ec2.Fault{Action: "DescribeSubnets", Code: "UnauthorizedOperation"})
	at := aws.Config{Region: "eu-central-1", BaseEndpoint: aws.String("http://aws.local"), HTTPClient: query.Client(world),
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
	known := made{"ami-1": ledger.Registration{Server: &job.Server{Type: "t3.micro", Subnet: "subnet-0123456789abcdef0"}}}
	all, note, err := servers(t.Context(), at, known, []goldenImage{{ID: "ami-1", Region: at.Region, Source: "i-1"}})
	assert.NilError(t, err)
	assert.Assert(t, strings.Contains(note, "UnauthorizedOperation"), note)
	var p page
	all[0].print(&p)
	said := p.String()
	assert.Assert(t, strings.Contains(said, "may not look whether that is all still there"), said)
	assert.Assert(t, !strings.Contains(said, "are all there"), said)
}
