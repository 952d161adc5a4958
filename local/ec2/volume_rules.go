package ec2

import (
	"slices"

	"goldsmith/local/query"
)

// volumeLimits are a volume type's sizes in GiB, IOPS and throughput in MiB/s (API
// reference, EbsBlockDevice); perGiB bounds IOPS by size (EBS User Guide, "Provisioned
// IOPS SSD volumes" and "General Purpose SSD volumes").
type volumeLimits struct {
	least, most         int
	leastIOPS, mostIOPS int
	perGiB              int
}

var volumeTypes = map[string]volumeLimits{
	"gp2":      {least: 1, most: 16_384},
	"gp3":      {least: 1, most: 65_536, leastIOPS: gp3IOPS, mostIOPS: 80_000, perGiB: 500},
	"io1":      {least: 4, most: 16_384, leastIOPS: 100, mostIOPS: 64_000, perGiB: 50},
	"io2":      {least: 4, most: 65_536, leastIOPS: 100, mostIOPS: 256_000, perGiB: 1000},
	"st1":      {least: 125, most: 16_384},
	"sc1":      {least: 125, most: 16_384},
	"standard": {least: 1, most: 1024},
}

// What a gp3 volume has at least, and unless told otherwise.
const (
	gp3IOPS           = 3000
	gp3Throughput     = 125
	mostGP3Throughput = 2000
)

// legalAt is legal, and holds a volume at the root device against what it cannot be.
func (m *mapping) legalAt(root string) error {
	if m.device == root && (m.typ == "st1" || m.typ == "sc1") {
		// No root volume; EC2 says so in these words, IOPS given or not (aws/aws-sdk#542).
		return query.Errorf("InvalidParameterCombination", "The parameter iops is not supported for %s volumes.", m.typ)
	}
	return m.legal()
}

// legal holds a volume about to be made against what its type allows. The words are those
// people quote (rocicorp/mono#4410, runs-on/runs-on#260, velero-plugin-for-aws#119,
// openstorage#121, machine-controller-manager-provider-aws#95); those of sizes are unverified.
func (m *mapping) legal() error {
	limits, ok := volumeTypes[m.typ]
	switch {
	case !ok:
		return query.Errorf("InvalidParameterValue",
			"Value (%s) for parameter volumeType is invalid. The volume type does not exist.", m.typ)
	case m.iops > 0 && limits.mostIOPS == 0:
		return query.Errorf("InvalidParameterCombination", "The parameter iops is not supported for %s volumes.", m.typ)
	case m.throughput > 0 && m.typ != "gp3":
		return query.Errorf("InvalidBlockDeviceMapping", "throughput cannot be specified with the volumeType of device '%s'",
			m.device)
	}
	return m.legalSize(limits)
}

func (m *mapping) legalSize(limits volumeLimits) error {
	switch {
	case m.size < limits.least:
		return query.Errorf("InvalidParameterValue", "Volume of %dGiB is too small for volume type %s; minimum is %dGiB.",
			m.size, m.typ, limits.least)
	case m.size > limits.most:
		return query.Errorf("InvalidParameterValue", "Volume of %dGiB is too large for volume type %s; maximum is %dGiB.",
			m.size, m.typ, limits.most)
	case m.iops == 0 && slices.Contains([]string{"io1", "io2"}, m.typ):
		return query.Errorf("InvalidParameterCombination", "The parameter iops must be specified for %s volumes.", m.typ)
	case m.iops == 0 && m.throughput == 0:
		return nil
	}
	return m.legalIOPS(limits)
}

func (m *mapping) legalIOPS(limits volumeLimits) error {
	iops := m.iops
	if iops == 0 {
		iops = gp3IOPS
	}
	switch {
	case iops < limits.leastIOPS:
		return query.Errorf("InvalidParameterValue", "Volume iops of %d is too low; minimum is %d.", iops, limits.leastIOPS)
	case iops > limits.mostIOPS:
		return query.Errorf("InvalidParameterValue", "Volume iops of %d is too high; maximum is %d.", iops, limits.mostIOPS)
	case iops > limits.leastIOPS && iops > limits.perGiB*m.size:
		return query.Errorf("InvalidParameterValue", "Iops to volume size ratio of %f is too high; maximum is %d",
			float64(iops)/float64(m.size), limits.perGiB)
	case m.throughput > 0 && m.throughput < gp3Throughput:
		return query.Errorf("InvalidParameterValue", "Volume throughput of %d is too low; minimum is %d.", m.throughput,
			gp3Throughput)
	case m.throughput > mostGP3Throughput:
		return query.Errorf("InvalidParameterValue", "Volume throughput of %d is too high; maximum is %d.", m.throughput,
			mostGP3Throughput)
	case m.throughput*4 > iops:
		return query.Errorf("InvalidParameterValue",
			"Throughput (MiBps) to iops ratio of %f is too high; maximum is 0.250000 MiBps per iops",
			float64(m.throughput)/float64(iops))
	}
	return nil
}
