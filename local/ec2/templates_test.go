package ec2_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"goldsmith/local/ec2"
)

// TestEveryFieldOfATemplateComesBack holds that whatever the SDK can put into a
// launch template, it reads back equal.
func TestEveryFieldOfATemplateComesBack(t *testing.T) {
	r := newRig(t, ec2.Options{})
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		var in types.RequestLaunchTemplateData
		fill(t, reflect.ValueOf(&in).Elem(), "data", rapid.IntRange(0, 4).Draw(t, "whole") == 4)
		n++
		roundTrip(t, r, &in, fmt.Sprintf("template-%d", n))
	})
}

func roundTrip(t *rapid.T, r *rig, in *types.RequestLaunchTemplateData, name string) {
	if in.ImageId == nil {
		in.ImageId = aws.String("ami-1") // An empty template is refused.
	}
	if _, err := r.CreateLaunchTemplate(t.Context(),
		&sdk.CreateLaunchTemplateInput{LaunchTemplateName: &name, LaunchTemplateData: in}); err != nil {
		t.Fatal(err)
	}
	out, err := r.DescribeLaunchTemplateVersions(t.Context(),
		&sdk.DescribeLaunchTemplateVersionsInput{LaunchTemplateName: &name, Versions: []string{"$Latest"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plain(t, in), plain(t, out.LaunchTemplateVersions[0].LaunchTemplateData)); diff != "" {
		t.Fatalf("sent (-) and received (+) differ:\n%s", diff)
	}
}

// required are the fields without which the SDK sends nothing.
var required = map[string]bool{"CpuCredits": true, "Type": true, "Min": true, "VCpuCount": true, "MemoryMiB": true}

// fill draws every exported field; whole leaves none out.
func fill(t *rapid.T, v reflect.Value, path string, whole bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if whole || required[path[strings.LastIndex(path, ".")+1:]] || rapid.Bool().Draw(t, path+"?") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem(), path, whole)
		}
	case reflect.Struct:
		fillStruct(t, v, path, whole)
	case reflect.Slice:
		n := length(t, path, whole)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for n := range v.Len() {
			fill(t, v.Index(n), fmt.Sprintf("%s[%d]", path, n), true)
		}
	default:
		v.Set(reflect.ValueOf(scalar(t, v.Kind(), path)).Convert(v.Type()))
	}
}

func fillStruct(t *rapid.T, v reflect.Value, path string, whole bool) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, path)).UTC()))
		return
	}
	for n := range v.NumField() {
		if field := v.Type().Field(n); field.IsExported() {
			fill(t, v.Field(n), path+"."+field.Name, whole)
		}
	}
}

// length is how many elements a list gets: at the top more than nine, so that
// their order shows to be that of numbers, not of text.
func length(t *rapid.T, path string, whole bool) int {
	switch {
	case !whole:
		return rapid.IntRange(0, 3).Draw(t, path+"#")
	case strings.Count(path, ".") == 1:
		return 11
	}
	return 1
}

func scalar(t *rapid.T, kind reflect.Kind, path string) any {
	switch kind {
	case reflect.String:
		if strings.HasSuffix(path, ".UserData") {
			return base64.StdEncoding.EncodeToString([]byte(rapid.String().Draw(t, path)))
		}
		return rapid.StringMatching(`[!-~]([ -~é]{0,8}[!-~])?`).Draw(t, path)
	case reflect.Bool:
		return rapid.Bool().Draw(t, path)
	case reflect.Float64:
		return float64(rapid.IntRange(-1e6, 1e6).Draw(t, path)) / 8
	default: // A whole number; any other kind does not convert and panics.
		return rapid.Int32().Draw(t, path)
	}
}

// plain is a value as JSON knows it, without what is empty.
func plain(t *rapid.T, value any) any {
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	return prune(tree)
}

func prune(tree any) any {
	switch node := tree.(type) {
	case map[string]any:
		for key, value := range node {
			if node[key] = prune(value); node[key] == nil {
				delete(node, key)
			}
		}
		if len(node) == 0 {
			return nil
		}
	case []any:
		for n := range node {
			node[n] = prune(node[n])
		}
		if len(node) == 0 {
			return nil
		}
	case string:
		if node == "" {
			return nil
		}
	}
	return tree
}

func (r *rig) template(name string, data *types.RequestLaunchTemplateData) {
	r.t.Helper()
	_, err := r.CreateLaunchTemplate(r.t.Context(), &sdk.CreateLaunchTemplateInput{
		LaunchTemplateName: &name, LaunchTemplateData: data,
		TagSpecifications: []types.TagSpecification{spec("launch-template", "goldsmith:source", name)},
	})
	r.wantCode("", err)
}

// versions tells the versions that a describe finds, as number and image.
func (r *rig) versions(in *sdk.DescribeLaunchTemplateVersionsInput) []string {
	r.t.Helper()
	var found []string
	pages := sdk.NewDescribeLaunchTemplateVersionsPaginator(r, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		for _, v := range page.LaunchTemplateVersions {
			text := fmt.Sprint(*v.VersionNumber, " ", aws.ToString(v.LaunchTemplateData.ImageId))
			if aws.ToBool(v.DefaultVersion) {
				text += " default"
			}
			found = append(found, text)
		}
	}
	return found
}

func TestANewVersionInheritsAllButSnapshots(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		disk := func(snapshot string) []types.LaunchTemplateBlockDeviceMappingRequest {
			return []types.LaunchTemplateBlockDeviceMappingRequest{{DeviceName: aws.String("/dev/sda1"),
				Ebs: &types.LaunchTemplateEbsBlockDeviceRequest{SnapshotId: &snapshot, VolumeSize: aws.Int32(9)}}}
		}
		r.template("web", &types.RequestLaunchTemplateData{ImageId: aws.String("ami-1"), InstanceType: "t3.micro",
			BlockDeviceMappings: disk("snap-1")})
		next := func(image string, mappings []types.LaunchTemplateBlockDeviceMappingRequest) string {
			out, err := r.CreateLaunchTemplateVersion(t.Context(), &sdk.CreateLaunchTemplateVersionInput{
				LaunchTemplateName: aws.String("web"), SourceVersion: aws.String("$Latest"),
				LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: &image, BlockDeviceMappings: mappings},
			})
			if err != nil {
				t.Fatal(err)
			}
			v := out.LaunchTemplateVersion
			ebs := v.LaunchTemplateData.BlockDeviceMappings[0].Ebs
			return fmt.Sprint(*v.VersionNumber, aws.ToString(v.LaunchTemplateData.ImageId), v.LaunchTemplateData.InstanceType,
				aws.ToString(ebs.SnapshotId), aws.ToInt32(ebs.VolumeSize))
		}
		same(t, "without mappings", next("ami-2", nil), "2ami-2t3.micro9")
		same(t, "with mappings", next("ami-3", disk("snap-3")), "3ami-3t3.microsnap-39")
	})
}

func TestAVersionIsMadeOncePerToken(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		r.template("web", &types.RequestLaunchTemplateData{ImageId: aws.String("ami-1")})
		ask := func(token, image string) error {
			_, err := r.CreateLaunchTemplateVersion(t.Context(), &sdk.CreateLaunchTemplateVersionInput{
				LaunchTemplateName: aws.String("web"), ClientToken: &token,
				LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: &image},
			})
			return err
		}
		r.wantCode("", ask("one", "ami-2"))
		r.wantCode("", ask("one", "ami-2"))
		r.wantCode("IdempotentParameterMismatch", ask("one", "ami-3"))
		r.wantCode("", ask("two", "ami-2"))
		same(t, "versions", r.versions(&sdk.DescribeLaunchTemplateVersionsInput{LaunchTemplateName: aws.String("web")}),
			[]string{"3 ami-2", "2 ami-2", "1 ami-1 default"})
	})
}

func TestTemplateVersionsAreDefaultedListedAndDeleted(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		name := aws.String("web")
		r.template("web", &types.RequestLaunchTemplateData{ImageId: aws.String("ami-1")})
		for _, image := range []string{"ami-2", "ami-3"} {
			_, err := r.CreateLaunchTemplateVersion(t.Context(),
				&sdk.CreateLaunchTemplateVersionInput{LaunchTemplateName: name,
					LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: &image}})
			r.wantCode("", err)
		}
		_, err := r.ModifyLaunchTemplate(t.Context(),
			&sdk.ModifyLaunchTemplateInput{LaunchTemplateName: name, DefaultVersion: aws.String("2")})
		r.wantCode("", err)
		_, err = r.ModifyLaunchTemplate(t.Context(),
			&sdk.ModifyLaunchTemplateInput{LaunchTemplateName: name, DefaultVersion: aws.String("9")})
		r.wantCode("InvalidLaunchTemplateId.VersionNotFound", err)
		same(t, "named", r.versions(&sdk.DescribeLaunchTemplateVersionsInput{LaunchTemplateName: name,
			Versions: []string{"$Default", "$Latest", "1"}}), []string{"2 ami-2 default", "3 ami-3", "1 ami-1"})
		same(t, "by image", r.versions(&sdk.DescribeLaunchTemplateVersionsInput{LaunchTemplateName: name,
			Filters: []types.Filter{filterBy("image-id", "ami-1", "ami-3")}}), []string{"3 ami-3", "1 ami-1"})
		out, err := r.DeleteLaunchTemplateVersions(t.Context(),
			&sdk.DeleteLaunchTemplateVersionsInput{LaunchTemplateName: name, Versions: []string{"1", "2", "9"}})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "deleted and refused", []int{len(out.SuccessfullyDeletedLaunchTemplateVersions),
			len(out.UnsuccessfullyDeletedLaunchTemplateVersions)}, []int{1, 2})
		same(t, "page by page", r.versions(&sdk.DescribeLaunchTemplateVersionsInput{LaunchTemplateName: name,
			MaxResults: aws.Int32(1)}), []string{"3 ami-3", "2 ami-2 default"})
		_, err = r.DescribeLaunchTemplateVersions(t.Context(),
			&sdk.DescribeLaunchTemplateVersionsInput{LaunchTemplateName: name, Versions: []string{"1"}})
		r.wantCode("InvalidLaunchTemplateId.VersionNotFound", err)
	})
}

func TestTemplatesAreUniqueFoundAndDeleted(t *testing.T) {
	resolve := func(name string) (string, bool) { return "ami-0resolved", name == "/goldsmith/images/web" }
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		r.world.Parameters(resolve, func(string) []string { return nil })
		data := &types.RequestLaunchTemplateData{ImageId: aws.String("resolve:ssm:/goldsmith/images/web")}
		r.template("web", data)
		r.template("data", &types.RequestLaunchTemplateData{ImageId: aws.String("ami-db")})
		_, err := r.CreateLaunchTemplate(t.Context(),
			&sdk.CreateLaunchTemplateInput{LaunchTemplateName: aws.String("web"), LaunchTemplateData: data})
		r.wantCode("InvalidLaunchTemplateName.AlreadyExistsException", err)
		same(t, "all templates' defaults",
			r.versions(&sdk.DescribeLaunchTemplateVersionsInput{Versions: []string{"$Default"},
				ResolveAlias: aws.Bool(true)}), []string{"1 ami-0resolved default", "1 ami-db default"})
		found, err := r.DescribeLaunchTemplates(t.Context(),
			&sdk.DescribeLaunchTemplatesInput{Filters: []types.Filter{filterBy("tag:goldsmith:source", "web")}})
		if err != nil || len(found.LaunchTemplates) != 1 {
			t.Fatal(err, found)
		}
		same(t, "found by tag", aws.ToString(found.LaunchTemplates[0].LaunchTemplateName), "web")
		_, err = r.DeleteLaunchTemplate(t.Context(), &sdk.DeleteLaunchTemplateInput{LaunchTemplateName: aws.String("web")})
		r.wantCode("", err)
		_, err = r.DescribeLaunchTemplates(t.Context(),
			&sdk.DescribeLaunchTemplatesInput{LaunchTemplateNames: []string{"web"}})
		r.wantCode("InvalidLaunchTemplateName.NotFoundException", err)
	})
}

func TestAnInstanceIsLaunchedFromATemplate(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		r.world.AddKeyPair("ops")
		_, err := r.CreateLaunchTemplate(t.Context(), &sdk.CreateLaunchTemplateInput{
			LaunchTemplateName: aws.String("web"),
			LaunchTemplateData: &types.RequestLaunchTemplateData{
				ImageId: aws.String(ec2.ImageARM), InstanceType: "t4g.small", KeyName: aws.String("ops"),
				TagSpecifications: []types.LaunchTemplateTagSpecificationRequest{{ResourceType: "instance",
					Tags: []types.Tag{{Key: aws.String("role"), Value: aws.String("web")}}}},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		made := r.run(func(in *sdk.RunInstancesInput) {
			in.ImageId, in.InstanceType = nil, "t4g.micro"
			in.LaunchTemplate = &types.LaunchTemplateSpecification{LaunchTemplateName: aws.String("web"),
				Version: aws.String("$Latest")}
		})
		if aws.ToString(made.ImageId) != ec2.ImageARM || made.InstanceType != "t4g.micro" ||
			aws.ToString(made.KeyName) != "ops" || tagsOf(made.Tags)["role"] != "web" {
			t.Errorf("launched %+v", made)
		}
		_, err = r.RunInstances(t.Context(), &sdk.RunInstancesInput{
			MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: "t3.micro",
			LaunchTemplate: &types.LaunchTemplateSpecification{LaunchTemplateName: aws.String("web")},
		})
		r.wantCode("InvalidParameterValue", err)
	})
}
