package ec2_test

import (
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
	if _, err := r.CreateLaunchTemplate(t.Context(), &sdk.CreateLaunchTemplateInput{LaunchTemplateName: &name, LaunchTemplateData: in}); err != nil {
		t.Fatal(err)
	}
	out, err := r.DescribeLaunchTemplateVersions(t.Context(), &sdk.DescribeLaunchTemplateVersionsInput{LaunchTemplateName: &name, Versions: []string{"$Latest"}})
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
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, path)).UTC()))
			return
		}
		for n := range v.NumField() {
			if field := v.Type().Field(n); field.IsExported() {
				fill(t, v.Field(n), path+"."+field.Name, whole)
			}
		}
	case reflect.Slice:
		length := rapid.IntRange(0, 3).Draw(t, path+"#")
		if whole {
			length = 1
			if strings.Count(path, ".") == 1 {
				length = 11 // Two digits: the order is that of numbers, not of text.
			}
		}
		v.Set(reflect.MakeSlice(v.Type(), length, length))
		for n := range length {
			fill(t, v.Index(n), fmt.Sprintf("%s[%d]", path, n), true)
		}
	case reflect.String:
		v.SetString(rapid.StringMatching(`[!-~]([ -~é]{0,8}[!-~])?`).Draw(t, path))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, path))
	case reflect.Int32, reflect.Int64:
		v.SetInt(int64(rapid.Int32().Draw(t, path)))
	case reflect.Float64:
		v.SetFloat(float64(rapid.IntRange(-1e6, 1e6).Draw(t, path)) / 8)
	default:
		t.Fatalf("%s: no way to fill a %s", path, v.Kind())
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

func TestANewVersionInheritsAllButSnapshots(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		ebs := func(device, snapshot string) types.LaunchTemplateBlockDeviceMappingRequest {
			return types.LaunchTemplateBlockDeviceMappingRequest{DeviceName: &device, Ebs: &types.LaunchTemplateEbsBlockDeviceRequest{SnapshotId: &snapshot, VolumeSize: aws.Int32(9)}}
		}
		made, err := r.CreateLaunchTemplate(t.Context(), &sdk.CreateLaunchTemplateInput{
			LaunchTemplateName: aws.String("web"),
			TagSpecifications:  []types.TagSpecification{spec("launch-template", "goldsmith:source", "web")},
			LaunchTemplateData: &types.RequestLaunchTemplateData{
				ImageId: aws.String("ami-1"), InstanceType: "t3.micro",
				BlockDeviceMappings: []types.LaunchTemplateBlockDeviceMappingRequest{ebs("/dev/sda1", "snap-1")},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		id := made.LaunchTemplate.LaunchTemplateId
		if tagsOf(made.LaunchTemplate.Tags)["goldsmith:source"] != "web" {
			t.Errorf("tags %+v", made.LaunchTemplate.Tags)
		}
		next := func(token, image string, mappings ...types.LaunchTemplateBlockDeviceMappingRequest) (*types.LaunchTemplateVersion, error) {
			out, err := r.CreateLaunchTemplateVersion(t.Context(), &sdk.CreateLaunchTemplateVersionInput{
				LaunchTemplateId: id, SourceVersion: aws.String("$Latest"), ClientToken: &token,
				LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: &image, BlockDeviceMappings: mappings},
			})
			if err != nil {
				return nil, err
			}
			return out.LaunchTemplateVersion, nil
		}
		second, err := next("t2", "ami-2")
		if err != nil {
			t.Fatal(err)
		}
		data := second.LaunchTemplateData
		if aws.ToInt64(second.VersionNumber) != 2 || data.InstanceType != "t3.micro" || aws.ToString(data.ImageId) != "ami-2" ||
			data.BlockDeviceMappings[0].Ebs.SnapshotId != nil || aws.ToInt32(data.BlockDeviceMappings[0].Ebs.VolumeSize) != 9 {
			t.Errorf("version 2 = %+v", data)
		}
		if again, err := next("t2", "ami-2"); err != nil || aws.ToInt64(again.VersionNumber) != 2 {
			t.Errorf("the same token again: %v %+v", err, again)
		}
		_, err = next("t2", "ami-3")
		r.wantCode("IdempotentParameterMismatch", err)
		third, err := next("t3", "ami-3", ebs("/dev/sda1", "snap-3"))
		if err != nil || aws.ToString(third.LaunchTemplateData.BlockDeviceMappings[0].Ebs.SnapshotId) != "snap-3" {
			t.Errorf("version 3: %v %+v", err, third)
		}
	})
}

func TestTemplateVersionsAreNumberedDefaultedAndDeleted(t *testing.T) {
	resolve := func(name string) (string, bool) { return "ami-0resolved", name == "/goldsmith/images/web" }
	inWorld(t, ec2.Options{ResolveParameter: resolve}, func(t *testing.T, r *rig) {
		name := aws.String("web")
		data := &types.RequestLaunchTemplateData{ImageId: aws.String("resolve:ssm:/goldsmith/images/web")}
		_, err := r.CreateLaunchTemplate(t.Context(), &sdk.CreateLaunchTemplateInput{LaunchTemplateName: name, LaunchTemplateData: data})
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.CreateLaunchTemplate(t.Context(), &sdk.CreateLaunchTemplateInput{LaunchTemplateName: name, LaunchTemplateData: data})
		r.wantCode("InvalidLaunchTemplateName.AlreadyExistsException", err)
		for range 2 {
			if _, err := r.CreateLaunchTemplateVersion(t.Context(), &sdk.CreateLaunchTemplateVersionInput{LaunchTemplateName: name, LaunchTemplateData: data}); err != nil {
				t.Fatal(err)
			}
		}
		changed, err := r.ModifyLaunchTemplate(t.Context(), &sdk.ModifyLaunchTemplateInput{LaunchTemplateName: name, DefaultVersion: aws.String("2")})
		if err != nil || aws.ToInt64(changed.LaunchTemplate.DefaultVersionNumber) != 2 || aws.ToInt64(changed.LaunchTemplate.LatestVersionNumber) != 3 {
			t.Errorf("ModifyLaunchTemplate: %v %+v", err, changed)
		}
		seen, err := r.DescribeLaunchTemplateVersions(t.Context(), &sdk.DescribeLaunchTemplateVersionsInput{Versions: []string{"$Default", "$Latest"}, ResolveAlias: aws.Bool(true)})
		if err != nil || len(seen.LaunchTemplateVersions) != 2 || aws.ToInt64(seen.LaunchTemplateVersions[0].VersionNumber) != 2 ||
			!aws.ToBool(seen.LaunchTemplateVersions[0].DefaultVersion) || aws.ToString(seen.LaunchTemplateVersions[1].LaunchTemplateData.ImageId) != "ami-0resolved" {
			t.Errorf("all templates' $Default and $Latest: %v %+v", err, seen)
		}
		deleted, err := r.DeleteLaunchTemplateVersions(t.Context(), &sdk.DeleteLaunchTemplateVersionsInput{LaunchTemplateName: name, Versions: []string{"1", "2", "9"}})
		if err != nil || len(deleted.SuccessfullyDeletedLaunchTemplateVersions) != 1 || len(deleted.UnsuccessfullyDeletedLaunchTemplateVersions) != 2 {
			t.Fatalf("DeleteLaunchTemplateVersions: %v %+v", err, deleted)
		}
		_, err = r.DescribeLaunchTemplateVersions(t.Context(), &sdk.DescribeLaunchTemplateVersionsInput{LaunchTemplateName: name, Versions: []string{"1"}})
		r.wantCode("InvalidLaunchTemplateId.VersionNotFound", err)
		pages := sdk.NewDescribeLaunchTemplateVersionsPaginator(r, &sdk.DescribeLaunchTemplateVersionsInput{LaunchTemplateName: name, MaxResults: aws.Int32(1)})
		var numbers []int64
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range page.LaunchTemplateVersions {
				numbers = append(numbers, aws.ToInt64(v.VersionNumber))
			}
		}
		if !reflect.DeepEqual(numbers, []int64{3, 2}) {
			t.Errorf("versions page by page: %v", numbers)
		}
		if _, err := r.DeleteLaunchTemplate(t.Context(), &sdk.DeleteLaunchTemplateInput{LaunchTemplateName: name}); err != nil {
			t.Fatal(err)
		}
		_, err = r.DescribeLaunchTemplates(t.Context(), &sdk.DescribeLaunchTemplatesInput{LaunchTemplateNames: []string{"web"}})
		r.wantCode("InvalidLaunchTemplateName.NotFoundException", err)
	})
}

func TestAnInstanceIsLaunchedFromATemplate(t *testing.T) {
	inWorld(t, ec2.Options{}, func(t *testing.T, r *rig) {
		_, err := r.CreateLaunchTemplate(t.Context(), &sdk.CreateLaunchTemplateInput{
			LaunchTemplateName: aws.String("web"),
			LaunchTemplateData: &types.RequestLaunchTemplateData{
				ImageId: aws.String(ec2.ImageARM), InstanceType: "t4g.small", KeyName: aws.String("ops"),
				TagSpecifications: []types.LaunchTemplateTagSpecificationRequest{{ResourceType: "instance", Tags: []types.Tag{{Key: aws.String("role"), Value: aws.String("web")}}}},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		made := r.run(func(in *sdk.RunInstancesInput) {
			in.ImageId, in.InstanceType = nil, "t4g.micro"
			in.LaunchTemplate = &types.LaunchTemplateSpecification{LaunchTemplateName: aws.String("web"), Version: aws.String("$Latest")}
		})
		if aws.ToString(made.ImageId) != ec2.ImageARM || made.InstanceType != "t4g.micro" || aws.ToString(made.KeyName) != "ops" || tagsOf(made.Tags)["role"] != "web" {
			t.Errorf("launched %+v", made)
		}
		_, err = r.RunInstances(t.Context(), &sdk.RunInstancesInput{
			MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: "t3.micro",
			LaunchTemplate: &types.LaunchTemplateSpecification{LaunchTemplateName: aws.String("web")},
		})
		r.wantCode("InvalidParameterValue", err)
	})
}
