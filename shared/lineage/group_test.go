package lineage_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/shared/lineage"
	"goldsmith/test/steptest"
)

// fleet is the lineage of the group of that name that there is.
func fleet(s *steptest.Stage) string {
	s.Helper()
	return of(s, "fleet")
}

// A group that is made again under the name of one that is gone is another lineage.
func TestAGroupMadeAgainIsAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		s.Group("fleet", 1)
		first := fleet(s)
		ids := s.GroupAgain("fleet", 1)
		second := fleet(s)
		found, err := lineage.OfInstances(s.Context(), s.AutoScaling, ids)
		s.Must(err)
		s.Same("of the new one's member", found, map[string]string{ids[0]: second})
		finder := lineage.Finder{EC2: s.EC2, Groups: s.AutoScaling}
		s.Same("living", finder.Living(s.Context(), []string{first, second}), map[string]bool{second: true})
		s.Same("people name both alike", lineage.Key(first), lineage.Key(second))
	})
}

// What an earlier version wrote down by a group's name alone is of the group that has the name now only if that was
// there by then.
func TestIdentify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		s.Group("fleet", 1)
		before := time.Now()
		s.GroupAgain("fleet", 1)
		finder, fleet, now := lineage.Finder{EC2: s.EC2, Groups: s.AutoScaling}, fleet(s), time.Now()
		asked := []lineage.Dated{
			{Lineage: "group/fleet", At: now}, {Lineage: "group/fleet", At: before}, {Lineage: "group/fleet"},
			{Lineage: "group/gone", At: now}, {Lineage: fleet, At: before}, {Lineage: s.Web, At: now}, {Lineage: "", At: now},
		}
		s.Same("identified", finder.Identify(s.Context(), asked...),
			[]string{fleet, "group/fleet:earlier", "group/fleet", "group/gone:earlier", fleet, s.Web, ""})
		s.Refuse("DescribeAutoScalingGroups", "AccessDenied", 1)
		s.Same("unread", finder.Identify(s.Context(), asked[:4]...),
			[]string{"group/fleet", "group/fleet", "group/fleet", "group/gone"})
		// Where no name stands alone there is nothing to ask.
		s.Same("without Auto Scaling", lineage.Finder{}.Identify(s.Context(), asked[4:]...), []string{fleet, s.Web, ""})
	})
}

// More groups than one describe takes are asked for in several.
func TestLivingOfManyGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		s.Group("fleet", 0)
		var all []string
		for n := range 230 {
			all = append(all, fmt.Sprintf("group/gone-%d:1", n))
		}
		fleet := fleet(s)
		finder := lineage.Finder{EC2: s.EC2, Groups: s.AutoScaling}
		s.Same("living", finder.Living(s.Context(), slices.Concat(all[:115], []string{fleet}, all[115:])),
			map[string]bool{fleet: true})
	})
}

func TestGroup(t *testing.T) {
	for _, each := range []struct {
		lineage, name, key string
		group              bool
	}{
		{"group/web:1", "web", "group/web", true},
		{"group/a/b#c:1", "a/b#c", "group/a/b#c", true},
		{"group/web", "web", "group/web", true},
		{"i-1", "i-1", "i-1", false},
	} {
		name, ok := lineage.Group(each.lineage)
		if name != each.name || ok != each.group || lineage.Key(each.lineage) != each.key {
			t.Errorf("%s: %s %v %s", each.lineage, name, ok, lineage.Key(each.lineage))
		}
	}
	for _, arn := range []string{"", "web", strings.Repeat(":", 9)} {
		if got := lineage.OfGroup(scaling.AutoScalingGroup{
			AutoScalingGroupName: aws.String("web"), AutoScalingGroupARN: aws.String(arn),
		}); got != "" {
			t.Errorf("%q: %s", arn, got)
		}
	}
}
