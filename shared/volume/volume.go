// Package volume knows of which type, size, IOPS and throughput EC2 makes volumes.
package volume

// Limits are what a volume type takes: sizes in GiB, IOPS at all and for each GiB, and throughput in MiB/s; zero IOPS
// or throughput for a type that none are provisioned of.
type Limits struct {
	Least, Most                     int
	LeastIOPS, MostIOPS, PerGiB     int
	LeastThroughput, MostThroughput int
	// Data is whether it is for data volumes alone.
	Data bool
}

// limits are those of EC2's types (API reference, EbsBlockDevice and CreateVolume; EBS User Guide, volume types).
var limits = map[string]Limits{
	"gp2": {Least: 1, Most: 16_384},
	"gp3": {Least: 1, Most: 65_536, LeastIOPS: 3000, MostIOPS: 80_000, PerGiB: 500,
		LeastThroughput: 125, MostThroughput: 2000},
	"io1":      {Least: 4, Most: 16_384, LeastIOPS: 100, MostIOPS: 64_000, PerGiB: 50},
	"io2":      {Least: 4, Most: 65_536, LeastIOPS: 100, MostIOPS: 256_000, PerGiB: 1000},
	"st1":      {Least: 125, Most: 16_384, Data: true},
	"sc1":      {Least: 125, Most: 16_384, Data: true},
	"standard": {Least: 1, Most: 1024},
}

// Of are the limits of a type; known is false for one that is none of EC2's.
func Of(kind string) (l Limits, known bool) {
	l, known = limits[kind]
	return l, known
}

// PerIOPS is how many IOPS a gp3 volume has to have for each MiB/s of throughput (EBS User Guide, General Purpose SSD
// volumes: 0.25 MiB/s per IOPS).
const PerIOPS = 4

// Asked is whether volumes of the type are made with IOPS that are said, and cannot be without.
func (l Limits) Asked() bool { return l.MostIOPS > 0 && l.MostThroughput == 0 }

// OfSize are the most IOPS that a volume may have.
func (l Limits) OfSize(gib int) int { return min(l.MostIOPS, max(l.LeastIOPS, l.PerGiB*gib)) }

// Takes reports whether EC2 makes a volume of such a size, IOPS and throughput; zero is for what is not said.
func (l Limits) Takes(gib, iops, throughput int) bool {
	return l.TakesSize(gib) && l.TakesIOPS(iops, gib) && l.TakesThroughput(throughput, iops)
}

// TakesSize reports whether a volume may have such a size.
func (l Limits) TakesSize(gib int) bool { return l.Most > 0 && gib >= l.Least && gib <= l.Most }

// TakesIOPS reports whether a volume of the size may have such IOPS; zero is for none that are said.
func (l Limits) TakesIOPS(iops, gib int) bool {
	if iops == 0 {
		return !l.Asked()
	}
	return iops < 0 || iops >= l.LeastIOPS && iops <= l.OfSize(gib)
}

// TakesThroughput reports whether a volume of such IOPS may have such throughput; zero is for none that is said.
func (l Limits) TakesThroughput(throughput, iops int) bool {
	return throughput == 0 || throughput >= l.LeastThroughput && throughput <= l.MostThroughput &&
		throughput*PerIOPS <= max(iops, l.LeastIOPS)
}
