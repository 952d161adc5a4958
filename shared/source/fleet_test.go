package source_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"goldsmith/shared/fault"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// pages answers each describe with its next page, and remembers what was asked.
type pages struct {
	instances [][]types.Instance
	requests  []types.SpotInstanceRequest
	volumes   [][]types.Volume
	types     [][]types.InstanceTypeInfo
	err       error

	asked   []*ec2.DescribeInstancesInput
	filters [][]types.Filter
}

// page is what a token leads to, and the token of the one after it.
func page[T any](all [][]T, token *string) ([]T, *string) {
	n := len(aws.ToString(token))
	if n >= len(all) {
		return nil, nil
	}
	if n == len(all)-1 {
		return all[n], nil
	}
	return all[n], aws.String(strings.Repeat("x", n+1))
}

func (p *pages) DescribeInstances(_ context.Context, in *ec2.DescribeInstancesInput,
	_ ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error) {
	p.asked = append(p.asked, in)
	found, next := page(p.instances, in.NextToken)
	var out ec2.DescribeInstancesOutput
	for _, i := range found {
		out.Reservations = append(out.Reservations, types.Reservation{Instances: []types.Instance{i}})
	}
	out.NextToken = next
	return &out, p.err
}

func (p *pages) DescribeInstanceTypes(_ context.Context, in *ec2.DescribeInstanceTypesInput,
	_ ...func(*ec2.Options)) (*ec2.DescribeInstanceTypesOutput, error) {
	p.filters = append(p.filters, in.Filters)
	found, next := page(p.types, in.NextToken)
	return &ec2.DescribeInstanceTypesOutput{InstanceTypes: found, NextToken: next}, p.err
}

func (p *pages) DescribeSpotInstanceRequests(_ context.Context, in *ec2.DescribeSpotInstanceRequestsInput,
	_ ...func(*ec2.Options)) (*ec2.DescribeSpotInstanceRequestsOutput, error) {
	p.filters = append(p.filters, in.Filters)
	return &ec2.DescribeSpotInstanceRequestsOutput{SpotInstanceRequests: p.requests}, p.err
}

func (p *pages) DescribeVolumes(_ context.Context, in *ec2.DescribeVolumesInput,
	_ ...func(*ec2.Options)) (*ec2.DescribeVolumesOutput, error) {
	p.filters = append(p.filters, in.Filters)
	found, next := page(p.volumes, in.NextToken)
	return &ec2.DescribeVolumesOutput{Volumes: found, NextToken: next}, p.err
}

func instance(id, plans string) types.Instance {
	return types.Instance{InstanceId: aws.String(id),
		Tags: []types.Tag{{Key: aws.String(tag.Plan), Value: aws.String(plans)}}}
}

func TestFleetOf(t *testing.T) {
	api := &pages{instances: [][]types.Instance{
		{instance("i-4", "nightly"), instance("i-9", "nightly-eu")},
		{},
		{instance("i-1", "weekly nightly"), instance("i-3", "eu-nightly")},
	}}
	fleet, err := source.FleetOf(t.Context(), api, "nightly")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, i := range fleet {
		ids = append(ids, *i.InstanceId)
	}
	if got := fmt.Sprint(ids); got != "[i-1 i-4]" {
		t.Errorf("the fleet is %s", got)
	}
	if f := api.asked[0].Filters; len(f) != 1 || *f[0].Name != "tag:goldsmith:plan" || f[0].Values[0] != "*nightly*" ||
		aws.ToInt32(api.asked[0].MaxResults) != 1000 {
		t.Errorf("asked for %v", f)
	}
}

func TestCount(t *testing.T) {
	api := &pages{instances: [][]types.Instance{{instance("i-1", ""), instance("i-2", "")}, {instance("i-3", "")}}}
	if n, err := source.Count(t.Context(), api); n != 3 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if states := api.asked[0].Filters[0].Values; slices.Contains(states, "terminated") ||
		slices.Contains(states, "shutting-down") {
		t.Errorf("counts instances that are gone: %v", states)
	}
}

func TestFind(t *testing.T) {
	gone := &smithy.GenericAPIError{Code: "InvalidInstanceID.NotFound"}
	busy := &smithy.GenericAPIError{Code: "RequestLimitExceeded"}
	for name, c := range map[string]struct {
		api   *pages
		found bool
		err   error
	}{
		"there":   {&pages{instances: [][]types.Instance{{instance("i-1", "")}}}, true, nil},
		"unknown": {&pages{err: gone}, false, nil},
		"busy":    {&pages{err: busy}, false, busy},
	} {
		i, found, err := source.Find(t.Context(), c.api, "i-1")
		if found != c.found || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%s: found %v, %v", name, found, err)
		}
		if found && *i.InstanceId != "i-1" || c.api.asked[0].Filters[0].Values[0] != "i-1" {
			t.Errorf("%s: %v", name, i)
		}
	}
}

// An answer without the instance proves nothing, neither to a filter nor to its id.
func TestFindBelievesOnlyItsID(t *testing.T) {
	api := &pages{}
	_, found, err := source.Find(t.Context(), api, "i-1")
	if found || !errors.As(err, new(*fault.NotYet)) {
		t.Errorf("found %v, %v", found, err)
	}
	if last := api.asked[len(api.asked)-1]; len(last.InstanceIds) != 1 || last.InstanceIds[0] != "i-1" {
		t.Errorf("it last asked for %v", last)
	}
}

func spot(id, request string) types.Instance {
	i := types.Instance{InstanceId: aws.String(id), InstanceLifecycle: types.InstanceLifecycleTypeSpot}
	if request != "" {
		i.SpotInstanceRequestId = aws.String(request)
	}
	return i
}

func request(id string, of types.SpotInstanceType, state types.SpotInstanceState) types.SpotInstanceRequest {
	return types.SpotInstanceRequest{SpotInstanceRequestId: aws.String(id), Type: of, State: state}
}

func TestInvestigate(t *testing.T) {
	api := &pages{
		types: [][]types.InstanceTypeInfo{
			{{InstanceType: "m5.large", InstanceStorageSupported: aws.Bool(false)}},
			{{InstanceType: "m5d.large", InstanceStorageSupported: aws.Bool(true)}},
		},
		requests: []types.SpotInstanceRequest{
			request("sir-1", types.SpotInstanceTypePersistent, types.SpotInstanceStateActive),
			request("sir-2", types.SpotInstanceTypeOneTime, types.SpotInstanceStateActive),
			request("sir-3", types.SpotInstanceTypePersistent, types.SpotInstanceStateCancelled),
			request("sir-9", types.SpotInstanceTypePersistent, types.SpotInstanceStateActive),
		},
		volumes: [][]types.Volume{
			{{Attachments: []types.VolumeAttachment{{InstanceId: aws.String("i-elsewhere")}}}},
			{{VolumeType: "sc1", Attachments: []types.VolumeAttachment{{InstanceId: aws.String("i-slow")}}}},
			{{VolumeType: "gp3", KmsKeyId: aws.String("key"), Attachments: []types.VolumeAttachment{
				{InstanceId: aws.String("i-plain")}, {InstanceId: aws.String("i-stored")},
			}}},
		},
	}
	plain := types.Instance{InstanceId: aws.String("i-plain"), InstanceType: "m5.large"}
	stored := types.Instance{InstanceId: aws.String("i-stored"), InstanceType: "m5d.large"}
	unknown := types.Instance{InstanceId: aws.String("i-unknown"), InstanceType: "z99.large"}
	slow := types.Instance{InstanceId: aws.String("i-slow")}
	facts, err := source.Investigate(t.Context(), api, source.Facts{}, []types.Instance{
		plain, stored, unknown, slow, spot("i-keeps", "sir-1"), spot("i-once", "sir-2"), spot("i-cancelled", "sir-3"),
		spot("i-lost", "sir-4"), spot("i-none", ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range facts {
		if f.InstanceStore || f.SlowVolume || f.OneTimeSpot {
			got = append(got, fmt.Sprint(*f.Instance.InstanceId, f.InstanceStore, f.SlowVolume, f.OneTimeSpot))
		}
	}
	want := []string{"i-storedtrue false false", "i-slowfalse true false", "i-oncefalse false true",
		"i-lostfalse false true", "i-nonefalse false true"}
	if !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
	if got := fmt.Sprint(facts[4].SpotCancelled, facts[6].SpotCancelled); got != "false true" {
		t.Errorf("cancelled are %s", got)
	}
	if got := fmt.Sprint(facts[0].Keys, facts[1].Keys, facts[2].Keys); got != "[key] [key] []" {
		t.Errorf("the keys are %s", got)
	}
}

// EC2 takes 200 values in all filters of a call, however many instances there are.
func TestInvestigateMany(t *testing.T) {
	api := &pages{}
	var many []types.Instance
	for n := range 450 {
		i := spot(fmt.Sprintf("i-%03d", n), fmt.Sprintf("sir-%03d", n))
		i.InstanceType = types.InstanceType(fmt.Sprintf("t%d.large", n))
		many = append(many, i)
	}
	facts, err := source.Investigate(t.Context(), api, source.Facts{}, many)
	if err != nil || len(facts) != len(many) || *facts[449].Instance.InstanceId != "i-449" {
		t.Fatalf("%d facts, %v", len(facts), err)
	}
	values := countValues(t, api.filters)
	for _, name := range []string{"instance-type", "spot-instance-request-id", "attachment.instance-id"} {
		if values[name] != 450 {
			t.Errorf("asked about %d of 450 by %s", values[name], name)
		}
	}
	if n := len(api.filters); n != 9 {
		t.Errorf("%d calls, want 3 for each 198 instances", n)
	}
}

// countValues are the values asked about, by filter.
func countValues(t *testing.T, calls [][]types.Filter) map[string]int {
	t.Helper()
	values := map[string]int{}
	for _, filters := range calls {
		sum := 0
		for _, f := range filters {
			values[*f.Name] += len(f.Values)
			sum += len(f.Values)
		}
		if sum > 200 {
			t.Errorf("a call has %d filter values", sum)
		}
	}
	return values
}

func TestErrorsAreTold(t *testing.T) {
	refused := errors.New("refused")
	api := &pages{err: refused}
	if _, err := source.FleetOf(t.Context(), api, "nightly"); !errors.Is(err, refused) {
		t.Errorf("listing: %v", err)
	}
	if _, err := source.Count(t.Context(), api); !errors.Is(err, refused) {
		t.Errorf("counting: %v", err)
	}
	if _, err := source.Investigate(t.Context(), api, source.Facts{},
		[]types.Instance{spot("i-1", "sir-1")}); !errors.Is(err, refused) {
		t.Errorf("investigating: %v", err)
	}
}
