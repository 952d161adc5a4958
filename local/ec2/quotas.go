package ec2

import (
	"slices"
	"strings"

	"goldsmith/local/query"
)

// vcpuQuota is the quota of the vCPUs of the On-Demand instances of some families that run at a time (User Guide,
// "Amazon EC2 instance type quotas"). Its code is Service Quotas'.
type vcpuQuota struct {
	code, name string
	families   []string
}

var vcpuQuotas = []vcpuQuota{
	{"L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
		[]string{"a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"}},
	{"L-74FC7D96", "Running On-Demand F instances", []string{"f"}},
	{"L-DB2E81BA", "Running On-Demand G and VT instances", []string{"g", "vt"}},
	{"L-1945791B", "Running On-Demand Inf instances", []string{"inf"}},
	{"L-417A185B", "Running On-Demand P instances", []string{"p"}},
	{"L-7295265B", "Running On-Demand X instances", []string{"x"}},
}

// plenty is every quota of an account that SetQuota was not told of.
const plenty = 1e6

// SetQuota says how many vCPUs of On-Demand instances may run at a time, by the quota's code.
func (w *World) SetQuota(code string, vcpus float64) {
	w.lock()
	defer w.unlock()
	w.vcpus[code] = vcpus
}

// Quota is the name and the value of a quota of vCPUs, by its code.
func (w *World) Quota(code string) (name string, value float64, known bool) {
	w.lock()
	defer w.unlock()
	n := slices.IndexFunc(vcpuQuotas, func(q vcpuQuota) bool { return q.code == code })
	if n < 0 {
		return "", 0, false
	}
	value, set := w.vcpus[code]
	if !set {
		value = plenty
	}
	return vcpuQuotas[n].name, value, true
}

// vcpus are numbers of vCPUs by the code of their quota.
type vcpus map[string]int

// withinQuota refuses one more instance of the type beside those that run and those that are wanted already, which it
// counts. A type counts with its default vCPUs.
func (w *World) withinQuota(wanted vcpus, t *instanceType, onDemand bool) error {
	q := quotaOf(t)
	most, set := w.vcpus[q.code]
	if !set || !onDemand {
		return nil
	}
	if wanted[q.code] == 0 {
		for _, i := range w.instances.present {
			if i.countsOnDemand() && (i.state == Running || i.state == Pending) && quotaOf(typeNamed(i.typ)).code == q.code {
				wanted[q.code] += typeNamed(i.typ).cpus
			}
		}
	}
	wanted[q.code] += t.cpus
	if float64(wanted[q.code]) > most {
		return query.Errorf("VcpuLimitExceeded", "You have requested more vCPU capacity than your current vCPU limit of "+
			"%.0f allows for the instance bucket that the specified instance type belongs to. Please visit "+
			"http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.", most)
	}
	return nil
}

// countsOnDemand reports whether the instance counts for a quota of On-Demand instances while it runs.
func (i *instance) countsOnDemand() bool {
	return !i.isSpot() && i.options["Placement.Tenancy"] != "host"
}

// quotaOf is the quota that a type counts for; the zero value for one that has a quota of its own.
func quotaOf(t *instanceType) (q vcpuQuota) {
	family := t.name[:strings.IndexAny(t.name, "0123456789-.")]
	if n := slices.IndexFunc(vcpuQuotas, func(q vcpuQuota) bool { return slices.Contains(q.families, family) }); n >= 0 {
		return vcpuQuotas[n]
	}
	return q
}
