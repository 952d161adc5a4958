package command_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/cmd/goldsmith/command"
	"goldsmith/shared/plan"
	"goldsmith/shared/planfile"
	"goldsmith/shared/tag"
)

// loses the ledger's table, as the runbook has one made anew.
func (s *scene) loses() {
	s.Helper()
	client, name := dynamodb.NewFromConfig(s.suite.AWS()), aws.String("goldsmith")
	_, err := client.UpdateTable(s.Context(), &dynamodb.UpdateTableInput{
		TableName: name, DeletionProtectionEnabled: aws.Bool(false),
	})
	s.must(err)
	_, err = client.DeleteTable(s.Context(), &dynamodb.DeleteTableInput{TableName: name})
	s.must(err)
	time.Sleep(time.Minute)
	_, err = client.CreateTable(s.Context(), &dynamodb.CreateTableInput{
		TableName: name, BillingMode: dynamodbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []dynamodbtypes.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: "S"}, {AttributeName: aws.String("sk"), AttributeType: "S"},
		},
		KeySchema: []dynamodbtypes.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: "HASH"}, {AttributeName: aws.String("sk"), KeyType: "RANGE"},
		},
	})
	s.must(err)
	time.Sleep(time.Minute)
}

// keeping plays a story with a plan that removes what its rule does not keep an hour after its deprecation.
func keeping(t *testing.T, story func(*scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		plans, err := planfile.Load(plans, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		p := plans.Plans["nightly"]
		p.Schedule, p.Keep = "", plan.Keep{Last: 1, Minimum: 1, Grace: plan.Duration(time.Hour)}
		plans.Plans["nightly"] = p
		story(open(t, plans))
	})
}

// night is a run, and enough time for the grace of what it deprecated.
func (s *scene) night() {
	s.Helper()
	if got := s.types("run", "nightly", "--wait"); got.code != command.OK {
		s.Fatalf("the night ended with %d: %s%s", got.code, got.out, got.err)
	}
	time.Sleep(2 * time.Hour)
}

// made are the images that a person owns in the account, oldest first.
func (s *scene) made() (found []types.Image) {
	s.Helper()
	out, err := s.cloud.DescribeImages(s.Context(),
		&sdk.DescribeImagesInput{Owners: []string{"self"}, IncludeDisabled: aws.Bool(true)})
	s.must(err)
	slices.SortFunc(out.Images, func(a, b types.Image) int {
		return strings.Compare(aws.ToString(a.CreationDate), aws.ToString(b.CreationDate))
	})
	return out.Images
}

func (s *scene) there(id string) bool {
	s.Helper()
	return slices.ContainsFunc(s.made(), func(i types.Image) bool { return aws.ToString(i.ImageId) == id })
}

// untouched: nothing was decided about the images.
func (s *scene) untouched(ids ...string) {
	s.Helper()
	for _, id := range ids {
		i := slices.IndexFunc(s.made(), func(i types.Image) bool { return aws.ToString(i.ImageId) == id })
		if i < 0 || s.made()[i].DeprecationTime != nil || s.made()[i].State != types.ImageStateAvailable {
			s.Errorf("image %s was touched, or is gone", id)
		}
	}
}

// copied is a copy of an image with its tags, tagged is one made by hand with an image's tags.
func (s *scene) copied(id string) string {
	s.Helper()
	out, err := s.cloud.CopyImage(s.Context(), &sdk.CopyImageInput{
		Name: aws.String("copy"), SourceImageId: aws.String(id), SourceRegion: aws.String("eu-central-1"),
		CopyImageTags: aws.Bool(true),
	})
	s.must(err)
	time.Sleep(time.Hour)
	return aws.ToString(out.ImageId)
}

func (s *scene) tagged(instance, name string, tags []types.Tag) string {
	s.Helper()
	out, err := s.cloud.CreateImage(s.Context(), &sdk.CreateImageInput{
		InstanceId: aws.String(instance), Name: aws.String(name), NoReboot: aws.Bool(true),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeImage, Tags: tags}},
	})
	s.must(err)
	time.Sleep(time.Hour)
	return aws.ToString(out.ImageId)
}

// A night, and the table is lost: nothing is removed any more. adopt --all registers what is Goldsmith's, keeping
// counts it again, and copies and images tagged by hand stay what they are.
func TestAdoptAfterTheTableWasLost(t *testing.T) {
	keeping(t, func(s *scene) {
		web := s.launch("web")
		s.night()
		first := s.made()[0]
		id := aws.ToString(first.ImageId)
		name := aws.ToString(first.Name)
		strangers := []string{
			s.copied(id),
			s.tagged(web, "by-hand", first.Tags),
			s.tagged(s.launch("other"), "goldsmith/other/"+web+"/nightly-now-abc122", first.Tags),
			// Even the name is Goldsmith's, of a run that there was not.
			s.tagged(web, strings.Replace(name, "nightly-now-abc123", "nightly-now-abc999", 1),
				named(first.Tags, tag.Run, "nightly-now-abc999")),
			// And of a run that there was, while it did not go on.
			s.tagged(web, strings.Replace(name, "nightly-now-abc123", "nightly-19991201T023000Z", 1),
				named(first.Tags, tag.Run, "nightly-19991201T023000Z")),
		}
		s.loses()
		s.night()
		s.night()
		s.untouched(append(strangers, id)...)

		s.golden("adopt-dry", s.types("adopt", "--all", "--dry"), command.OK)
		s.golden("images-unregistered", s.types("images", "--plans", plans), command.OK)
		s.golden("status-unregistered", s.types("status"), command.OK)
		s.golden("adopt-no", s.types("adopt", "--all"), command.OK)
		if _, ok, err := s.suite.Ledger.Registration(s.Context(), id); ok || err != nil {
			s.Errorf("%s was registered without an answer: %v", id, err)
		}
		s.answers = "y\n"
		s.golden("adopt-all", s.types("adopt", "--all"), command.OK)
		r, _, err := s.suite.Ledger.Registration(s.Context(), id)
		s.must(err)
		if r.Adopted != "jo" || !r.Good || r.Lineage != web || r.Name != "web" || len(r.Snapshots) != 1 {
			s.Errorf("registered as %+v", r)
		}
		s.night()
		s.night()
		if s.there(id) {
			s.Errorf("the adopted image %s is not retired", id)
		}
		s.untouched(strangers...)
	})
}

// named are tags with another value of one key.
func named(tags []types.Tag, key, value string) []types.Tag {
	all := tag.Map(tags)
	all[key] = value
	return tag.List(all)
}

// A person may adopt what the facts do not prove, by its id: a copy goes its plan's way.
func TestAdoptByID(t *testing.T) {
	keeping(t, func(s *scene) {
		web := s.launch("web")
		s.night()
		id := aws.ToString(s.made()[0].ImageId)
		copied, bare := s.copied(id), s.tagged(web, "bare", nil)
		s.golden("adopt-images", s.types("adopt", copied, id, bare, "ami-0123456789abcdef0", "--yes"), command.Partial)
		s.golden("adopt-again-json", s.types("adopt", copied, "--dry", "-o", "json"), command.Partial)
		s.golden("images-adopted", s.types("images", "--plans", plans), command.OK)
		time.Sleep(6 * 24 * time.Hour)
		s.untouched(copied, id, bare)
	})
}

func TestAdoptMisused(t *testing.T) {
	play(t, func(s *scene) {
		for _, line := range [][]string{
			{"adopt"}, {"adopt", "web"}, {"adopt", "--all", "ami-0123456789abcdef0"}, {"adopt", "--all", "--dry", "--yes"},
			{"adopt", "--all", "-o", "json"},
		} {
			if got := s.types(line...); got.code != command.Misused {
				s.Errorf("%v: exit code %d: %s%s", line, got.code, got.out, got.err)
			}
		}
		if got := s.types("adopt", "--all"); got.out != here+"every image that carries Goldsmith's tags is registered\n" {
			s.Errorf("of nothing: %q", got.out)
		}
	})
}
