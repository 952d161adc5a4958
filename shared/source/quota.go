package source

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// Quotas tells the account's quotas.
type Quotas interface {
	GetServiceQuota(
		context.Context, *servicequotas.GetServiceQuotaInput, ...func(*servicequotas.Options),
	) (*servicequotas.GetServiceQuotaOutput, error)
}

// quotaCodes are the codes of EC2's quotas of running On-Demand vCPUs, by the families of instance types that count for
// them (Service Quotas, service "ec2"). Families with another quota are left out: nothing is said of them.
var quotaCodes = map[string]string{
	"a": "L-1216C47A", "c": "L-1216C47A", "d": "L-1216C47A", "h": "L-1216C47A", "i": "L-1216C47A", "m": "L-1216C47A",
	"r": "L-1216C47A", "t": "L-1216C47A", "z": "L-1216C47A",
	"f": "L-74FC7D96", "g": "L-DB2E81BA", "vt": "L-DB2E81BA", "inf": "L-1945791B", "p": "L-417A185B", "x": "L-7295265B",
}

// quotaOf is the code of the quota that an instance counts for while it runs; "" for one of which that is not certain:
// Spot has quotas of its own, as have Dedicated Hosts, and a reservation may be another account's.
func quotaOf(i types.Instance) string {
	if i.InstanceLifecycle != "" || i.CapacityReservationId != nil {
		return ""
	}
	if i.Placement != nil && i.Placement.Tenancy != "" && i.Placement.Tenancy != types.TenancyDefault {
		return ""
	}
	name := string(i.InstanceType)
	if end := strings.IndexAny(name, "0123456789"); end > 0 {
		return quotaCodes[name[:end]]
	}
	return ""
}

// VCPUs looks whether more vCPUs run On-Demand than the account's quotas allow, as they do once a quota was lowered:
// then what is stopped and counts for that quota is not started again (EC2 API reference, error code
// VcpuLimitExceeded). It gives the quotas that are exceeded for certain, and those that cannot be read. Only those are
// looked at that what would be stopped of the instances counts for.
func VCPUs(
	ctx context.Context, api Lister, quotas Quotas, p plan.Plan, instances []types.Instance,
) ([]job.Quota, error) {
	codes := quotasOf(p, instances)
	var found []job.Quota
	allowed := map[string]float64{}
	for _, code := range codes {
		most, known := read(ctx, quotas, code)
		if !known {
			found = append(found, job.Quota{Code: code})
			continue
		}
		allowed[code] = most
	}
	if len(allowed) == 0 {
		return found, nil
	}
	running, err := runningVCPUs(ctx, api)
	if err != nil {
		return nil, err
	}
	for _, code := range codes {
		if most, known := allowed[code]; known && float64(running[code]) > most {
			found = append(found, job.Quota{Code: code, Over: fmt.Sprintf("%d run, and it allows %.0f",
				running[code], most)})
		}
	}
	return found, nil
}

// quotasOf are the codes of the quotas that what is stopped of the instances counts for.
func quotasOf(p plan.Plan, instances []types.Instance) (codes []string) {
	for _, i := range instances {
		if code := quotaOf(i); code != "" && (Facts{Plan: p}).Of(i).Stops() && !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	return codes
}

// read is a quota's value. What cannot be read refuses nothing: the breaker is there for what that hides.
func read(ctx context.Context, quotas Quotas, code string) (most float64, known bool) {
	out, err := quotas.GetServiceQuota(ctx, &servicequotas.GetServiceQuotaInput{
		ServiceCode: aws.String("ec2"), QuotaCode: aws.String(code),
	})
	if err != nil || out.Quota == nil || out.Quota.Value == nil {
		handler.Log(ctx).WarnContext(ctx, "a quota cannot be read", "quota", code, "error", err)
		return 0, false
	}
	return *out.Quota.Value, true
}

// runningVCPUs are the vCPUs that run, by the code of the quota that they count for. A type counts with the vCPUs that
// it has by default; an instance shows how many it has, which are no more. An account's instances are not kept: they
// may be tens of thousands.
func runningVCPUs(ctx context.Context, api Lister) (map[string]int, error) {
	running := map[string]int{}
	pages := ec2.NewDescribeInstancesPaginator(api, &ec2.DescribeInstancesInput{
		Filters:    []types.Filter{{Name: aws.String("instance-state-name"), Values: []string{"running"}}},
		MaxResults: aws.Int32(page),
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("counting running vCPUs: %w", err)
		}
		for _, r := range out.Reservations {
			for _, i := range r.Instances {
				if cpu := i.CpuOptions; cpu != nil {
					running[quotaOf(i)] += int(aws.ToInt32(cpu.CoreCount) * aws.ToInt32(cpu.ThreadsPerCore))
				}
			}
		}
	}
	return running, nil
}

// OverQuota is why EC2 would not start the instance again, by what VCPUs found; nil when that says nothing of it.
func (f Facts) OverQuota() *job.Reason {
	for _, q := range f.Run.Quotas {
		if q.Over != "" && q.Code == quotaOf(f.Instance) {
			return &job.Reason{Code: job.CannotStart, Text: "EC2 would not start it again: of the On-Demand vCPUs that quota " +
				q.Code + " of EC2 counts, " + q.Over + ". Ask Service Quotas for more, or stop what is not needed"}
		}
	}
	return nil
}

// quotaUnseen is for those that count for a quota that cannot be read.
func quotaUnseen(f Facts) string {
	for _, q := range f.Run.Quotas {
		if q.Over == "" && q.Code == quotaOf(f.Instance) && f.Stops() {
			return "whether quota " + q.Code + " of EC2 leaves it the vCPUs to start again could not be seen"
		}
	}
	return ""
}
