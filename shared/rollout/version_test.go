package rollout_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"goldsmith/shared/rollout"
	"goldsmith/test/steptest"
)

// TestNext holds the new version to the old one over arbitrary launch
// templates: what EC2 makes of the request differs in the image and nothing else.
func TestNext(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var current types.ResponseLaunchTemplateData
		steptest.Fill(t, reflect.ValueOf(&current).Elem(), "data")
		want := current
		want.ImageId = aws.String("ami-0new")
		got := created(current, rollout.Next(current, "ami-0new", kept))
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), exported); diff != "" {
			t.Fatalf("the next version differs (-want +got):\n%s", diff)
		}
	})
}

func kept(m types.LaunchTemplateBlockDeviceMapping) string { return aws.ToString(m.Ebs.SnapshotId) }

// The version that EC2 makes must depend on the sent mappings only where it drops something.
func TestNextSendsLittle(t *testing.T) {
	plain := types.ResponseLaunchTemplateData{BlockDeviceMappings: []types.LaunchTemplateBlockDeviceMapping{
		{DeviceName: aws.String("/dev/xvda"), Ebs: &types.LaunchTemplateEbsBlockDevice{VolumeSize: aws.Int32(8)}},
		{DeviceName: aws.String("/dev/sdb"), VirtualName: aws.String("ephemeral0")},
	}}
	want := &types.RequestLaunchTemplateData{ImageId: aws.String("ami-0new")}
	if diff := cmp.Diff(want, rollout.Next(plain, "ami-0new", kept), exported); diff != "" {
		t.Error(diff)
	}
}

// exported leaves out what the SDK's types embed for its own use.
var exported = cmp.FilterPath(func(p cmp.Path) bool {
	field, ok := p.Last().(cmp.StructField)
	return ok && !isExported(field.Name())
}, cmp.Ignore())

func isExported(name string) bool { return name != "" && name[0] >= 'A' && name[0] <= 'Z' }

// created is the version that EC2 makes of a source version and a request, as
// CreateLaunchTemplateVersion describes SourceVersion: the version inherits all
// that is not sent, but the snapshot ids of the source's block device mappings.
func created(source types.ResponseLaunchTemplateData,
	sent *types.RequestLaunchTemplateData) types.ResponseLaunchTemplateData {
	made := source
	made.BlockDeviceMappings = slices.Clone(source.BlockDeviceMappings)
	for i, m := range made.BlockDeviceMappings {
		if m.Ebs != nil {
			ebs := *m.Ebs
			ebs.SnapshotId = nil
			made.BlockDeviceMappings[i].Ebs = &ebs
		}
	}
	from, to := reflect.ValueOf(*sent), reflect.ValueOf(&made).Elem()
	for i := range from.NumField() {
		if field := from.Type().Field(i); field.IsExported() && !from.Field(i).IsZero() {
			reply(from.Field(i), to.FieldByName(field.Name))
		}
	}
	return made
}

// reply copies a request's value into a response's type, field by field of the
// same name; one that the response has and the request does not stays unset.
func reply(from, to reflect.Value) {
	switch to.Kind() {
	case reflect.Pointer:
		if to.SetZero(); !from.IsNil() {
			to.Set(reflect.New(to.Type().Elem()))
			reply(from.Elem(), to.Elem())
		}
	case reflect.Slice:
		to.Set(reflect.MakeSlice(to.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			reply(from.Index(i), to.Index(i))
		}
	case reflect.Struct:
		for i := range to.NumField() {
			if field := to.Type().Field(i); field.IsExported() && from.FieldByName(field.Name).IsValid() {
				reply(from.FieldByName(field.Name), to.Field(i))
			}
		}
	default:
		to.Set(from)
	}
}

func TestAlias(t *testing.T) {
	const shared = "arn:aws:ssm:eu-west-1:123456789012:parameter/golden/web"
	for imageID, want := range map[string]struct {
		name      string
		fixed, ok bool
	}{
		"ami-0123456789abcdef0":               {},
		"":                                    {},
		"resolve:ssm:/goldsmith/images/web":   {"/goldsmith/images/web", false, true},
		"resolve:ssm:web":                     {"web", false, true},
		"resolve:ssm:/goldsmith/images/web:3": {"/goldsmith/images/web", true, true},
		"resolve:ssm:web:stable":              {"web", true, true},
		// A parameter of another account is named by its ARN, which holds colons itself.
		"resolve:ssm:" + shared:        {shared, true, true},
		"resolve:ssm:" + shared + ":3": {shared + ":3", true, true},
	} {
		name, fixed, ok := rollout.Alias(imageID)
		if name != want.name || fixed != want.fixed || ok != want.ok {
			t.Errorf("%q: %q, fixed %v, alias %v; want %+v", imageID, name, fixed, ok, want)
		}
	}
}

func TestSplit(t *testing.T) {
	ids, names := rollout.Split([]string{"lt-0123456789abcdef0", "web", "lt-0a1b2c3d", "lt-web", "lt-",
		"lt-0123456789ABCDEF0", "a/lt-0a1b2c3d"})
	if want := []string{"lt-0123456789abcdef0", "lt-0a1b2c3d"}; !slices.Equal(ids, want) {
		t.Errorf("ids are %q, want %q", ids, want)
	}
	if want := []string{"web", "lt-web", "lt-", "lt-0123456789ABCDEF0", "a/lt-0a1b2c3d"}; !slices.Equal(names, want) {
		t.Errorf("names are %q, want %q", names, want)
	}
}
