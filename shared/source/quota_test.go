package source_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	quotatypes "github.com/aws/aws-sdk-go-v2/service/servicequotas/types"
	"pgregory.net/rapid"

	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
)

// quotas are values by code; of what is not among them there is none to be read.
type quotas map[string]float64

func (q quotas) GetServiceQuota(
	_ context.Context, in *servicequotas.GetServiceQuotaInput, _ ...func(*servicequotas.Options),
) (*servicequotas.GetServiceQuotaOutput, error) {
	value, known := q[aws.ToString(in.QuotaCode)]
	if !known || aws.ToString(in.ServiceCode) != "ec2" {
		return nil, errors.New("not to be read")
	}
	return &servicequotas.GetServiceQuotaOutput{Quota: &quotatypes.ServiceQuota{Value: &value}}, nil
}

// codes are the quotas that some families count for; the others have quotas of which nothing is said.
var codes = map[string]string{
	"m5": "L-1216C47A", "t3": "L-1216C47A", "g4dn": "L-DB2E81BA", "vt1": "L-DB2E81BA", "x2gd": "L-7295265B",
}

// counted is a running instance, and whether it counts for its family's quota for certain.
func counted(t *rapid.T, n int) (types.Instance, bool) {
	families := append(slices.Sorted(maps.Keys(codes)), "u-6tb1", "mac2", "hpc7a", "im4gn", "trn1")
	family := rapid.SampledFrom(families).Draw(t, "family")
	i := types.Instance{
		InstanceId: aws.String(fmt.Sprintf("i-%03d", n)), InstanceType: types.InstanceType(family + ".large"),
		State: &types.InstanceState{Name: types.InstanceStateNameRunning},
		CpuOptions: &types.CpuOptions{
			CoreCount: aws.Int32(rapid.Int32Range(1, 8).Draw(t, "cores")), ThreadsPerCore: aws.Int32(2),
		},
		Placement: &types.Placement{Tenancy: types.TenancyDefault},
	}
	switch rapid.SampledFrom([]string{"", "", "", "spot", "host", "dedicated", "reserved"}).Draw(t, "kind") {
	case "spot":
		i.InstanceLifecycle = types.InstanceLifecycleTypeSpot
	case "host":
		i.Placement.Tenancy = types.TenancyHost
	case "dedicated":
		i.Placement.Tenancy = types.TenancyDedicated
	case "reserved":
		i.CapacityReservationId = aws.String("cr-1")
	default:
		return i, codes[family] != ""
	}
	return i, false
}

// What counts for a quota is refused if, and only if, more of it runs than the quota allows; what does not count is
// never refused, and what cannot be read refuses nothing.
func TestVCPUs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		running, counts, api := map[string]int{}, map[string]bool{}, &pages{}
		var all []types.Instance
		for n := range rapid.IntRange(0, 12).Draw(t, "instances") {
			i, certain := counted(t, n)
			all, counts[*i.InstanceId] = append(all, i), certain
			if certain {
				running[countsFor(i)] += int(*i.CpuOptions.CoreCount) * 2
			}
		}
		for part := range slices.Chunk(all, 3) {
			api.instances = append(api.instances, part)
		}
		allowed := quotas{}
		for _, code := range []string{"L-1216C47A", "L-DB2E81BA"} { // The others cannot be read.
			allowed[code] = float64(rapid.IntRange(0, 60).Draw(t, code))
		}
		found, err := source.VCPUs(t.Context(), api, allowed, plan.Default(), all)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range all {
			f := source.Facts{Run: job.Run{Quotas: found}, Plan: plan.Default()}.Of(i)
			most, read := allowed[countsFor(i)]
			want := counts[*i.InstanceId] && read && float64(running[countsFor(i)]) > most
			if got := f.OverQuota() != nil; got != want {
				t.Errorf("%s, %s, %d of %.0f running: refused is %t", *i.InstanceId, i.InstanceType, running[countsFor(i)],
					most, got)
			}
		}
	})
}

func countsFor(i types.Instance) string {
	for family, code := range codes {
		if string(i.InstanceType) == family+".large" {
			return code
		}
	}
	return ""
}
