package command

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"gotest.tools/v3/assert"
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
