package source_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go"
	"pgregory.net/rapid"

	"goldsmith/shared/source"
)

// dry answers dry runs as EC2 does: one id that is refused fails all that are asked about with it.
type dry struct {
	refused map[string]string // the code by which each is refused
	asked   int
}

func (d *dry) StartInstances(
	_ context.Context, in *sdk.StartInstancesInput, _ ...func(*sdk.Options),
) (*sdk.StartInstancesOutput, error) {
	d.asked++
	for _, id := range in.InstanceIds {
		if code := d.refused[id]; code != "" {
			return nil, &smithy.GenericAPIError{Code: code, Message: "no"}
		}
	}
	return nil, &smithy.GenericAPIError{Code: "DryRunOperation", Message: "Request would have succeeded"}
}

// The codes by which single instances are refused: of the first two, trying again does not help.
var refusals = []string{"UnauthorizedOperation", "OperationNotPermitted", "InvalidInstanceID.NotFound",
	"IncorrectInstanceState"}

// Whatever is refused on a page, each that is said to be refused is, and with all asked every one is said. A few cost
// few questions.
func TestUnstartable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids, api := refusing(t)
		reasons, all, err := source.Unstartable(t.Context(), api, ids)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			lasts := slices.Contains(refusals[:2], api.refused[id])
			if _, said := reasons[id]; said != lasts && (said || all) {
				t.Errorf("%s with code %q is said to be refused: %t (all asked: %t)", id, api.refused[id], said, all)
			}
		}
		most := (len(ids)+49)/50 + 100
		if api.asked > most || len(api.refused) <= 5 && !all {
			t.Errorf("%d questions about %d, %d of them refused; all asked: %t", api.asked, len(ids), len(api.refused), all)
		}
	})
}

// refusing is up to 300 instances, and an EC2 that refuses some.
func refusing(t *rapid.T) (ids []string, api *dry) {
	ids, api = make([]string, rapid.IntRange(1, 300).Draw(t, "page")), &dry{refused: map[string]string{}}
	for i := range ids {
		ids[i] = fmt.Sprintf("i-%04d", i)
	}
	for _, id := range rapid.SliceOfN(rapid.SampledFrom(ids), 0, 60).Draw(t, "refused") {
		api.refused[id] = rapid.SampledFrom(refusals).Draw(t, "code")
	}
	return ids, api
}

func TestUnstartableIsThrottled(t *testing.T) {
	api := &dry{refused: map[string]string{"i-1": "RequestLimitExceeded"}}
	if _, _, err := source.Unstartable(t.Context(), api, slices.Repeat([]string{"i-1"}, 3)); err == nil {
		t.Error("a busy EC2 has answered")
	}
}
