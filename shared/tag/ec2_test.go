package tag_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"goldsmith/shared/tag"
)

func TestListAndMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tags := rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "tags")
		list := tag.List(tags)
		for i := 1; i < len(list); i++ {
			if *list[i-1].Key >= *list[i].Key {
				t.Fatalf("%q comes before %q", *list[i-1].Key, *list[i].Key)
			}
		}
		if diff := cmp.Diff(tags, tag.Map(list)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestMapOfNothing(t *testing.T) {
	if got := tag.Map(nil); got == nil || len(got) != 0 {
		t.Errorf("no tags are %v", got)
	}
	got := tag.Map([]types.Tag{{Key: aws.String("a")}})
	if diff := cmp.Diff(map[string]string{"a": ""}, got); diff != "" {
		t.Error(diff)
	}
}
