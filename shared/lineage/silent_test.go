package lineage_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go"
	"pgregory.net/rapid"

	"goldsmith/local/ec2"
	"goldsmith/shared/lineage"
	"goldsmith/test/steptest"
)

// silent is EC2 that shows no instance and no volume when it is asked by a filter.
type silent struct{ *sdk.Client }

func (s silent) DescribeInstances(
	ctx context.Context, in *sdk.DescribeInstancesInput, o ...func(*sdk.Options),
) (*sdk.DescribeInstancesOutput, error) {
	if len(in.Filters) > 0 {
		return &sdk.DescribeInstancesOutput{}, nil
	}
	return s.Client.DescribeInstances(ctx, in, o...)
}

func (s silent) DescribeVolumes(
	ctx context.Context, in *sdk.DescribeVolumesInput, o ...func(*sdk.Options),
) (*sdk.DescribeVolumesOutput, error) {
	if len(in.Filters) > 0 {
		return &sdk.DescribeVolumesOutput{}, nil
	}
	return s.Client.DescribeVolumes(ctx, in, o...)
}

// An empty answer ends no lineage: only what EC2 says does not exist, or is terminated, has ended.
func TestAnEmptyAnswerEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		gone := s.Launch("gone", nil)
		s.Set(gone, ec2.Terminated)
		finder := lineage.Finder{EC2: silent{s.EC2}, Groups: s.AutoScaling}
		out, err := s.EC2.DescribeVolumes(s.Context(), &sdk.DescribeVolumesInput{})
		s.Must(err)
		volume := *out.Volumes[0].VolumeId
		asked := []string{s.Web, gone, "i-0123456789abcdef0", "i-0123456789abcdef1", volume, "vol-0123456789abcdef0",
			"vol-0123456789abcdef1"}
		s.Same("living", finder.Living(s.Context(), asked), map[string]bool{s.Web: true, volume: true})
	})
}

// answers is an Auto Scaling that leaves things out of its answers.
type answers struct {
	*autoscaling.Client
	hidden []string // groups that the list leaves out
	bare   []string // groups without an ARN or a time in the list
	noTime []string
	code   string // what looking for refreshes is refused with, of groups there are and groups there are not
	text   string
}

func (a answers) DescribeAutoScalingGroups(
	ctx context.Context, in *autoscaling.DescribeAutoScalingGroupsInput, o ...func(*autoscaling.Options),
) (*autoscaling.DescribeAutoScalingGroupsOutput, error) {
	out, err := a.Client.DescribeAutoScalingGroups(ctx, in, o...)
	if err != nil {
		return nil, err
	}
	out.AutoScalingGroups = slices.DeleteFunc(out.AutoScalingGroups, func(g scaling.AutoScalingGroup) bool {
		return slices.Contains(a.hidden, *g.AutoScalingGroupName)
	})
	for n := range out.AutoScalingGroups {
		g := &out.AutoScalingGroups[n]
		if slices.Contains(a.bare, *g.AutoScalingGroupName) {
			g.AutoScalingGroupARN = nil
		}
		if slices.Contains(a.noTime, *g.AutoScalingGroupName) {
			g.CreatedTime = nil
		}
	}
	return out, nil
}

func (a answers) DescribeInstanceRefreshes(
	ctx context.Context, in *autoscaling.DescribeInstanceRefreshesInput, o ...func(*autoscaling.Options),
) (*autoscaling.DescribeInstanceRefreshesOutput, error) {
	if a.code != "" {
		return nil, &smithy.GenericAPIError{Code: a.code, Message: a.text}
	}
	return a.Client.DescribeInstanceRefreshes(ctx, in, o...)
}

// Whatever the list of groups leaves out, and however the second look fails, no group that there is ends, and no
// earlier name is taken for one that has ended.
func TestNoAnswerEndsAGroupThatThereIs(t *testing.T) {
	names := []string{"a", "b", "c"}
	rapid.Check(t, func(r *rapid.T) {
		subset := rapid.SliceOfDistinct(rapid.SampledFrom(names), rapid.ID)
		a := answers{hidden: subset.Draw(r, "hidden"), bare: subset.Draw(r, "without an ARN"),
			noTime: subset.Draw(r, "without a time")}
		if rapid.Bool().Draw(r, "refused") {
			codes := []string{"AccessDenied", "Throttling", "ValidationError", "ResourceContention"}
			a.code = rapid.SampledFrom(codes).Draw(r, "code")
			a.text = rapid.SampledFrom([]string{"", "1 validation error detected", "not authorized"}).Draw(r, "text")
		}
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			a.Client = s.AutoScaling
			for _, wrong := range a.wrong(s, names) {
				r.Error(wrong)
			}
		})
	})
}

// wrong is what is believed of groups though the answers do not say it.
func (a answers) wrong(s *steptest.Stage, names []string) (wrong []string) {
	s.Helper()
	var there, legacy []string
	var dated []lineage.Dated
	for _, name := range names {
		s.Group(name, 0)
		there, legacy = append(there, of(s, name)), append(legacy, "group/"+name)
		dated = append(dated, lineage.Dated{Lineage: "group/" + name, At: time.Now()})
	}
	finder := lineage.Finder{EC2: s.EC2, Groups: a}
	known := slices.Concat(there, legacy)
	living := finder.Living(s.Context(), append(known, "group/a:0", "group/gone:1", "group/gone"))
	for _, l := range known {
		if !living[l] {
			wrong = append(wrong, l+" is there, and has ended")
		}
	}
	if gone := living["group/gone:1"] || living["group/gone"]; gone != (a.code != "") {
		wrong = append(wrong, fmt.Sprintf("what is gone lives: %v, refused: %q", gone, a.code))
	}
	told := !slices.Contains(a.hidden, "a") && !slices.Contains(a.bare, "a")
	if living["group/a:0"] == told {
		wrong = append(wrong, fmt.Sprintf("the group that had the name before lives: %v, told: %v", !told, told))
	}
	return append(wrong, mistaken(finder.Identify(s.Context(), dated...), there, legacy)...)
}

// mistaken are the lineages that are neither what there is nor what was written down.
func mistaken(identified, there, legacy []string) (wrong []string) {
	for n, l := range identified {
		if l != there[n] && l != legacy[n] {
			wrong = append(wrong, legacy[n]+" is taken for "+l)
		}
	}
	return wrong
}

// of is the lineage of the group of that name.
func of(s *steptest.Stage, name string) string {
	s.Helper()
	out, err := s.AutoScaling.DescribeAutoScalingGroups(s.Context(),
		&autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{name}})
	s.Must(err)
	return lineage.OfGroup(out.AutoScalingGroups[0])
}

// What was identified as an earlier group has ended, whether a group of the name is shown or not.
func TestAnEarlierGroupHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		s.Group("fleet", 0)
		for _, hidden := range []bool{false, true} {
			a := answers{Client: s.AutoScaling}
			if hidden {
				a.hidden = []string{"fleet"}
			}
			living := lineage.Finder{EC2: s.EC2, Groups: a}.Living(s.Context(), []string{"group/fleet:earlier"})
			s.Same(fmt.Sprint("living, hidden ", hidden), living, map[string]bool{})
		}
	})
}
