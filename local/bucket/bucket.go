// Package bucket knows the token buckets by which AWS throttles the calls of an account.
package bucket

import "time"

// Size is a bucket's capacity and its refill per second.
type Size struct{ Burst, PerSecond float64 }

// Of is a size.
func Of(burst, perSecond float64) Size { return Size{burst, perSecond} }

// Set is an account's buckets by their names, each full at first. Its owner guards it.
type Set map[string]*bucket

type bucket struct {
	tokens float64
	filled time.Time
}

// Take takes n tokens of a bucket, or none when it has fewer.
func (s Set) Take(name string, of Size, now time.Time, n float64) bool {
	b := s[name]
	if b == nil {
		b = &bucket{tokens: of.Burst, filled: now}
		s[name] = b
	}
	b.tokens = min(of.Burst, b.tokens+now.Sub(b.filled).Seconds()*of.PerSecond)
	b.filled = now
	if b.tokens < n {
		return false
	}
	b.tokens -= n
	return true
}
