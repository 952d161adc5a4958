package ec2_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
)

func (r *rig) tag(id string, pairs ...string) error {
	_, err := r.CreateTags(r.t.Context(), &sdk.CreateTagsInput{Resources: []string{id}, Tags: spec("", pairs...).Tags})
	return err
}

func TestTagChangesAreAnnouncedWithAVersion(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		id := r.running(func(in *sdk.RunInstancesInput) {
			in.TagSpecifications = []types.TagSpecification{spec("instance", "Name", "web")}
		})
		r.wantCode("", r.tag(id, "goldsmith:image", "now"))
		r.wantCode("", r.tag(id, "goldsmith:image", "now")) // Nothing changes, nothing is sent.
		_, err := r.DeleteTags(t.Context(),
			&sdk.DeleteTagsInput{Resources: []string{id},
				Tags: []types.Tag{{Key: aws.String("goldsmith:image"), Value: aws.String("other")}}})
		r.wantCode("", err) // Another value: the tag stays.
		_, err = r.DeleteTags(t.Context(),
			&sdk.DeleteTagsInput{Resources: []string{id}, Tags: []types.Tag{{Key: aws.String("goldsmith:image")}}})
		r.wantCode("", err)
		events := r.heard("Tag Change on Resource")
		if len(events) != 3 {
			t.Fatalf("events %+v", events)
		}
		for n, want := range []struct {
			changed string
			tags    string
		}{
			{"[Name]", "map[Name:web]"},
			{"[goldsmith:image]", "map[Name:web goldsmith:image:now]"},
			{"[goldsmith:image]", "map[Name:web]"},
		} {
			d := events[n].detail
			if fmt.Sprint(d["changed-tag-keys"]) != want.changed || fmt.Sprint(d["tags"]) != want.tags ||
				d["version"] != float64(n+1) ||
				d["service"] != "ec2" || d["resource-type"] != "instance" || events[n].source != "aws.tag" ||
				events[n].resources[0] != "arn:aws:ec2:eu-west-1:123456789012:instance/"+id {
				t.Errorf("event %d: %+v", n, events[n])
			}
		}
	})
}

func TestTagsThatEC2Refuses(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		id := r.running()
		r.wantCode("InvalidParameterValue", r.tag(id, "aws:x", "1"))
		r.wantCode("InvalidParameterValue", r.tag(id, "AWS:x", "1"))
		r.wantCode("InvalidParameterValue", r.tag(id, "", "1"))
		r.wantCode("InvalidParameterValue", r.tag(id, strings.Repeat("k", 129), "1"))
		r.wantCode("InvalidParameterValue", r.tag(id, "k", strings.Repeat("v", 257)))
		r.wantCode("InvalidParameterValue", r.tag(id, "k", "1", "k", "2"))
		r.wantCode("InvalidInstanceID.NotFound", r.tag("i-00000000000000000", "k", "1"))
		r.wantCode("InvalidID", r.tag("web", "k", "1"))
		if err := r.world.SetTags(id, map[string]string{"aws:autoscaling:groupName": "g"}); err != nil {
			t.Fatal(err)
		}
		for n := range 50 {
			r.wantCode("", r.tag(id, fmt.Sprint("k", n), "1"))
		}
		r.wantCode("TagLimitExceeded", r.tag(id, "one", "too many"))
		r.wantCode("", r.tag(id, "k0", "another value"))
		if got := len(r.instance(id).Tags); got != 51 {
			t.Errorf("%d tags, want the 50 and aws:autoscaling:groupName", got)
		}
	})
}

func TestTagsAreListedAcrossResources(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		for range 7 {
			r.running(func(in *sdk.RunInstancesInput) {
				in.TagSpecifications = []types.TagSpecification{spec("instance", "team", "a", "Name", "web"),
					spec("volume", "team", "a")}
			})
		}
		pages := sdk.NewDescribeTagsPaginator(r,
			&sdk.DescribeTagsInput{MaxResults: aws.Int32(5), Filters: []types.Filter{filterBy("key", "team")}})
		kinds := map[types.ResourceType]int{}
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Tags) > 5 {
				t.Errorf("a page of %d", len(page.Tags))
			}
			for _, tag := range page.Tags {
				kinds[tag.ResourceType]++
			}
		}
		if kinds["instance"] != 7 || kinds["volume"] != 7 || len(kinds) != 2 {
			t.Errorf("tags by kind: %v", kinds)
		}
	})
}

func TestFiltersFindWhatTheyShould(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		ids := map[string]string{}
		for _, name := range []string{"web-1", "web-2", "web-10", "db*", "db1"} {
			ids[name] = r.running(func(in *sdk.RunInstancesInput) {
				in.TagSpecifications = []types.TagSpecification{spec("instance", "Name", name, "tier-"+name[:2], "x")}
			})
		}
		if err := r.stop(ids["web-2"]); err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			filters []types.Filter
			want    []string
		}{
			{[]types.Filter{filterBy("tag:Name", "web-1")}, []string{"web-1"}},
			{[]types.Filter{filterBy("tag:Name", "web-1", "db1")}, []string{"web-1", "db1"}},
			{[]types.Filter{filterBy("tag:Name", "web-?")}, []string{"web-1", "web-2"}},
			{[]types.Filter{filterBy("tag:Name", "*1*")}, []string{"web-1", "web-10", "db1"}},
			{[]types.Filter{filterBy("tag:Name", `db\*`)}, []string{"db*"}},
			{[]types.Filter{filterBy("tag:Name", "WEB-1")}, nil},
			{[]types.Filter{filterBy("tag-key", "tier-db")}, []string{"db*", "db1"}},
			{[]types.Filter{filterBy("tag-key", "tier-*"), filterBy("instance-state-name", "stopping")}, []string{"web-2"}},
			{[]types.Filter{filterBy("tag:Name", "web*"), filterBy("instance-id", ids["web-10"], ids["db1"])},
				[]string{"web-10"}},
			{[]types.Filter{filterBy("block-device-mapping.device-name", "/dev/xvda"), filterBy("tag:Name", "db1")},
				[]string{"db1"}},
			{[]types.Filter{filterBy("image-id", ec2.ImageARM)}, nil},
			{[]types.Filter{filterBy("image-id", ec2.ImageX86), filterBy("tag:Name", "db1")}, []string{"db1"}},
		} {
			out, err := r.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{Filters: test.filters})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, reservation := range out.Reservations {
				for _, i := range reservation.Instances {
					got = append(got, tagsOf(i.Tags)["Name"])
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%v %v: got %v, want %v", aws.ToString(test.filters[0].Name), test.filters[0].Values, got, test.want)
			}
		}
		_, err := r.DescribeInstances(t.Context(),
			&sdk.DescribeInstancesInput{Filters: []types.Filter{filterBy("colour", "red")}})
		r.wantCode("InvalidParameterValue", err)
		_, err = r.DescribeImages(t.Context(),
			&sdk.DescribeImagesInput{Filters: []types.Filter{filterBy("instance-state-name", "red")}})
		r.wantCode("InvalidParameterValue", err)
	})
}

func TestPagesAreWhole(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		want := map[string]int{}
		for range 4 {
			out, err := r.RunInstances(t.Context(),
				&sdk.RunInstancesInput{ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro", MinCount: aws.Int32(6),
					MaxCount: aws.Int32(6)})
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range out.Instances {
				want[aws.ToString(i.InstanceId)]++
			}
		}
		pages := sdk.NewDescribeInstancesPaginator(r, &sdk.DescribeInstancesInput{MaxResults: aws.Int32(5)})
		got, count := map[string]int{}, 0
		for ; pages.HasMorePages(); count++ {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, reservation := range page.Reservations {
				for _, i := range reservation.Instances {
					got[aws.ToString(i.InstanceId)]++
				}
			}
		}
		same(t, "instances", got, want)
		same(t, "pages", count, 5)
	})
}

func TestPagesHaveBounds(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		ask := func(size int32, token *string, ids ...string) error {
			_, err := r.DescribeInstances(t.Context(),
				&sdk.DescribeInstancesInput{MaxResults: &size, InstanceIds: ids, NextToken: token})
			return err
		}
		r.wantCode("", ask(5, nil))
		r.wantCode("InvalidParameterValue", ask(4, nil))
		r.wantCode("InvalidParameterValue", ask(1001, nil))
		r.wantCode("InvalidNextToken", ask(5, aws.String("nonsense")))
		r.wantCode("InvalidParameterCombination", ask(5, nil, "i-00000000000000000"))
	})
}
