package rollout

import (
	"maps"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Lately is what a process has read of its Region for one image and need not read for the next: what launches from
// templates, which takes more calls the more groups and fleets there are, and what instance types can run. It is safe
// for concurrent use. A nil one keeps nothing.
type Lately struct {
	mu        sync.Mutex
	at        time.Time
	launching []launcher
	types     map[types.InstanceType]*types.InstanceTypeInfo
}

// lately is how old an answer of what launches from templates may be. Who makes a group meanwhile races with the roll
// whether it is read anew or not.
const lately = 15 * time.Second

// launchers are those that were read lately, or read now.
func (l *Lately) launchers(now func() time.Time, read func() ([]launcher, error)) ([]launcher, error) {
	if l == nil {
		return read()
	}
	begun := now()
	l.mu.Lock()
	all, fresh := l.launching, begun.Sub(l.at) < lately
	l.mu.Unlock()
	if fresh {
		return all, nil
	}
	all, err := read()
	if err == nil {
		l.mu.Lock()
		l.at, l.launching = begun, all
		l.mu.Unlock()
	}
	return all, err
}

// missing are the types that have to be asked for; those that the process knows are put among the known.
func (l *Lately) missing(
	names []types.InstanceType, known map[types.InstanceType]*types.InstanceTypeInfo,
) (missing []types.InstanceType) {
	if l != nil {
		l.mu.Lock()
		maps.Copy(known, l.types)
		l.mu.Unlock()
	}
	for _, n := range names {
		if known[n] == nil {
			missing = append(missing, n)
		}
	}
	return missing
}

// keep remembers a type: what a type can run does not change.
func (l *Lately) keep(info *types.InstanceTypeInfo) *types.InstanceTypeInfo {
	if l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.types == nil {
			l.types = map[types.InstanceType]*types.InstanceTypeInfo{}
		}
		l.types[info.InstanceType] = info
	}
	return info
}
