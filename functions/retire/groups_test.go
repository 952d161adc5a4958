package retire_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"

	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/retention"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// Histories of a group: what an earlier version registered by its name alone belongs to the group that has the name
// now if that was there by then. Images of the group before it are none of its history.
func TestHistoriesOfGroups(t *testing.T) {
	const twoNights = 48 * time.Hour
	for name, c := range map[string]struct {
		again  bool   // The group is made again between the two images.
		first  string // What the older image is registered by; empty is what there is at its time.
		second string
		goes   bool
	}{
		"of one group":                            {goes: true},
		"of two groups of one name":               {again: true},
		"by the name alone, of one group":         {first: "group/fleet", goes: true},
		"both by the name alone, of one group":    {first: "group/fleet", second: "group/fleet", goes: true},
		"by the name alone, of the group before":  {first: "group/fleet", again: true},
		"both by the name alone, of two groups":   {first: "group/fleet", second: "group/fleet", again: true},
		"another group of a name that is like it": {first: "group/fleet2:1"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				s.Group("fleet", 0)
				made := []string{ofGroup(s, "fleet", 1, c.first)}
				time.Sleep(twoNights)
				if c.again {
					s.GroupAgain("fleet", 0)
				}
				made = append(made, ofGroup(s, "fleet", 2, c.second))
				_, err := s.Ledger.Kept.PutOwner(s.Context(), ledger.Owner{Name: "web", Lineage: "group/fleet", At: time.Now()})
				s.Must(err)
				time.Sleep(time.Minute)
				review := looked(s, retention.Scope{})
				s.Same("images", len(review.Decisions), 2)
				for _, d := range review.Decisions {
					s.Same(d.ID+" goes", d.Going(), c.goes && d.ID == made[0])
				}
			})
		})
	}
}

// unlisted is an Auto Scaling that lists no group, though there are some.
type unlisted struct{ *autoscaling.Client }

func (unlisted) DescribeAutoScalingGroups(
	context.Context, *autoscaling.DescribeAutoScalingGroupsInput, ...func(*autoscaling.Options),
) (*autoscaling.DescribeAutoScalingGroupsOutput, error) {
	return &autoscaling.DescribeAutoScalingGroupsOutput{}, nil
}

// An answer that lists no group joins no histories of groups that there are: each keeps its newest image.
func TestGroupsThatAreNotListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		s.Group("fleet", 0)
		s.Group("other", 0)
		first := ofGroup(s, "fleet", 1, "")
		time.Sleep(time.Hour)
		older := ofGroup(s, "other", 2, "")
		time.Sleep(time.Hour)
		newer := ofGroup(s, "other", 3, "")
		looks := reviewer(s)
		looks.Lineages = lineage.Finder{EC2: s.EC2, Groups: unlisted{s.AutoScaling}}
		review, err := looks.Look(s.Context(), keepsOne, retention.Scope{})
		s.Must(err)
		going := map[string]bool{}
		for _, d := range review.Decisions {
			going[d.ID] = d.Going()
		}
		s.Same("what goes", going, map[string]bool{first: false, older: true, newer: false})
	})
}

// ofGroup is a good image of a member of the group, registered by that lineage, or by the group as it is now.
func ofGroup(s *steptest.Stage, group string, n int, by string) string {
	s.Helper()
	if by == "" {
		out, err := s.AutoScaling.DescribeAutoScalingGroups(s.Context(),
			&autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{group}})
		s.Must(err)
		by = lineage.OfGroup(out.AutoScalingGroups[0])
	}
	name, source, now := fmt.Sprintf("%s/%d", group, n), fmt.Sprintf("i-%017x", n), time.Now()
	id := s.Cloud.SeedImage(name, now, map[string]string{tag.Managed: "true", tag.Plan: "nightly", tag.Source: source})
	registered(s, ledger.Registration{Lineage: by, Source: source, Name: "web", Plan: "nightly", Run: "nightly-1",
		AMIName: name, ID: id, Begun: now, Good: true})
	return id
}
