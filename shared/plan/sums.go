package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
)

const (
	// sumsMost is how long Sums may be: Lambda's environment has 4 KB (Developer Guide, "Lambda quotas").
	sumsMost = 2048
	// sumOfAll names the sum of all plans together, where those of each are too long.
	sumOfAll = "*"
)

// Sums tell plans apart: of each its name, "=" and a sum of all that it says, in the order of the names. Too many plans
// have one sum together.
func Sums(p Plans) []string {
	var sums []string
	length := 0
	for _, name := range p.Names() {
		sum := name + "=" + sumOf(p.Plans[name])
		sums, length = append(sums, sum), length+len(sum)+1
	}
	if length > sumsMost {
		return []string{sumOfAll + "=" + sumOf(p.Plans)}
	}
	return sums
}

func sumOf(of any) string {
	text, _ := json.Marshal(of) // Plans were read, so they can be written.
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:4])
}

// Differs are the names of plans that are not as the sums say, and of those that only the sums have. Where all plans
// have one sum, every plan may be another.
func Differs(p Plans, sums []string) (changed, missing []string) {
	told := map[string]string{}
	for _, each := range sums {
		name, sum, _ := strings.Cut(each, "=")
		told[name] = sum
	}
	if all, one := told[sumOfAll]; one {
		if all == sumOf(p.Plans) {
			return nil, nil
		}
		return p.Names(), nil
	}
	for _, name := range p.Names() {
		if told[name] != sumOf(p.Plans[name]) {
			changed = append(changed, name)
		}
	}
	for _, each := range sums {
		name, _, _ := strings.Cut(each, "=")
		if _, there := p.Plans[name]; !there {
			missing = append(missing, name)
		}
	}
	return changed, missing
}

// Summed are the names of the plans that have a sum each; none where all have one together.
func Summed(sums []string) (names []string) {
	for _, each := range sums {
		if name, _, _ := strings.Cut(each, "="); name != sumOfAll {
			names = append(names, name)
		}
	}
	return names
}
