package ssm_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"goldsmith/local/clock"
	"goldsmith/local/query"
	"goldsmith/local/ssm"
)

const (
	web  = "/goldsmith/images/web"
	ami1 = "ami-0123456789abcdef0"
	ami2 = "ami-0123456789abcdef1"
)

type scene struct {
	*sdk.Client
	store *ssm.Store
	log   *query.Log

	mu     sync.Mutex
	events []string
}

// newScene is a Parameter Store in which ami-...0 and ami-...1 can be launched.
func newScene() *scene {
	s := &scene{log: &query.Log{}}
	s.store = ssm.New(ssm.Options{
		Clock: clock.Real(), Region: "eu-west-1", Account: "123456789012", Log: s.log,
		Launchable: func(image string) bool { return image == ami1 || image == ami2 },
		Emit: func(source, detailType string, resources []string, detail any) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.events = append(s.events, fmt.Sprintf("%s|%s|%s|%+v", source, detailType, resources[0], detail))
		},
	})
	s.Client = sdk.New(sdk.Options{
		Region: "eu-west-1", HTTPClient: query.Client(s.store),
		Credentials:  credentials.NewStaticCredentialsProvider("a", "b", ""),
		BaseEndpoint: aws.String("http://aws.local"),
	})
	return s
}

func (s *scene) put(t *testing.T, name, value string, change ...func(*sdk.PutParameterInput)) (int64, error) {
	t.Helper()
	in := &sdk.PutParameterInput{Name: aws.String(name), Value: aws.String(value), Type: types.ParameterTypeString,
		Overwrite: aws.Bool(true)}
	for _, f := range change {
		f(in)
	}
	out, err := s.PutParameter(t.Context(), in)
	if err != nil {
		return 0, err
	}
	return out.Version, nil
}

func image(in *sdk.PutParameterInput) { in.DataType = aws.String("aws:ec2:image") }

func (s *scene) value(t *testing.T, name string) string {
	t.Helper()
	out, err := s.GetParameter(t.Context(), &sdk.GetParameterInput{Name: aws.String(name)})
	if err != nil {
		return code(err)
	}
	return aws.ToString(out.Parameter.Value)
}

func code(err error) string {
	if known, ok := errors.AsType[smithy.APIError](err); ok {
		return known.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestMissing(t *testing.T) {
	s := newScene()
	_, err := s.GetParameter(t.Context(), &sdk.GetParameterInput{Name: aws.String(web)})
	if _, ok := errors.AsType[*types.ParameterNotFound](err); !ok {
		t.Errorf("%T is not typed", err)
	}
	if _, ok := s.store.Value(web); ok {
		t.Error("it has a value")
	}
	if _, err := s.DeleteParameter(t.Context(),
		&sdk.DeleteParameterInput{Name: aws.String(web)}); code(err) != "ParameterNotFound" {
		t.Error(err)
	}
}

func TestVersions(t *testing.T) {
	s := newScene()
	for i, value := range []string{"one", "two", "three"} {
		if version, err := s.put(t, web, value); err != nil || version != int64(i+1) {
			t.Fatal(version, err)
		}
	}
	for name, want := range map[string]string{
		web: "three", web + ":2": "two", web + ":9": "ParameterVersionNotFound",
		"arn:aws:ssm:eu-west-1:123456789012:parameter/goldsmith/images/web": "three",
	} {
		if got := s.value(t, name); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
	if got, ok := s.store.Value(web); got != "three" || !ok {
		t.Error(got, ok)
	}
	if _, err := s.DeleteParameter(t.Context(), &sdk.DeleteParameterInput{Name: aws.String(web)}); err != nil ||
		s.value(t, web) != "ParameterNotFound" {
		t.Error("not deleted", err)
	}
}

func TestShape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene()
		if _, err := s.put(t, web, "one"); err != nil {
			t.Fatal(err)
		}
		out, err := s.GetParameter(t.Context(), &sdk.GetParameterInput{Name: aws.String(web + ":1")})
		if err != nil {
			t.Fatal(err)
		}
		want := &types.Parameter{
			Name: aws.String(web), Type: types.ParameterTypeString, Value: aws.String("one"), Version: 1,
			Selector:         aws.String(":1"),
			ARN:              aws.String("arn:aws:ssm:eu-west-1:123456789012:parameter/goldsmith/images/web"),
			DataType:         aws.String("text"),
			LastModifiedDate: aws.Time(time.Now().UTC()),
		}
		if diff := cmp.Diff(want, out.Parameter, cmpopts.IgnoreUnexported(types.Parameter{})); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// An image id counts only once it was checked, and never when the check fails.
func TestImagesAreCheckedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene()
		for i, value := range []string{ami1, "ami-0badbadbadbadbad0", "web", ami2} {
			if version, err := s.put(t, web, value, image); err != nil || version != int64(i+1) {
				t.Fatal(version, err)
			}
			if i == 0 && s.value(t, web) != "ParameterNotFound" {
				t.Error("there before it was checked")
			}
			time.Sleep(time.Second)
		}
		if got := s.value(t, web); got != ami2 {
			t.Errorf("value %s", got)
		}
		if got := s.value(t, web+":2"); got != "ParameterVersionNotFound" {
			t.Errorf("the version that failed: %s", got)
		}
		head := "aws.ssm|Parameter Store Change|arn:aws:ssm:eu-west-1:123456789012:parameter/goldsmith/images/web|"
		want := []string{
			head + "{Operation:Create Name:" + web + " Type:String Description: DataType:aws:ec2:image Exception:}",
			head + "{Operation:Update Name:" + web +
				" Type:String Description: DataType:aws:ec2:image Exception:Unable to Describe Resource}",
			head + "{Operation:Update Name:" + web +
				" Type:String Description: DataType:aws:ec2:image Exception:Unable to Describe Resource}",
			head + "{Operation:Update Name:" + web + " Type:String Description: DataType:aws:ec2:image Exception:}",
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if diff := cmp.Diff(want, s.events); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestPutIsRefused(t *testing.T) {
	s := newScene()
	for _, name := range []string{"there", "/a/image"} {
		synctest.Test(t, func(t *testing.T) {
			change := func(*sdk.PutParameterInput) {}
			value := "x"
			if name == "/a/image" {
				change, value = image, ami1
			}
			if _, err := s.put(t, name, value, change); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		})
	}
	for want, c := range map[string]struct {
		name, value string
		change      func(*sdk.PutParameterInput)
	}{
		"ParameterAlreadyExists": {"there", "y", func(in *sdk.PutParameterInput) { in.Overwrite = nil }},
		"HierarchyTypeMismatchException": {"there", "y",
			func(in *sdk.PutParameterInput) { in.Type = types.ParameterTypeSecureString }},
		"ValidationException tags": {"there", "y",
			func(in *sdk.PutParameterInput) { in.Tags = []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}} }},
		"ValidationException data type": {"there", ami1, image},
		"ValidationException data type back": {"/a/image", "x",
			func(in *sdk.PutParameterInput) { in.DataType = aws.String("text") }},
		"ValidationException no type":       {"new", "x", func(in *sdk.PutParameterInput) { in.Type = "" }},
		"ValidationException long":          {"new", strings.Repeat("x", 4097), nil},
		"ValidationException empty":         {"new", "", nil},
		"ValidationException aws":           {"/aws/x", "x", nil},
		"ValidationException not qualified": {"a/b", "x", nil},
		"ValidationException sign":          {"a b", "x", nil},
		"ValidationException other data": {"new", "x",
			func(in *sdk.PutParameterInput) { in.DataType = aws.String("image") }},
		"ValidationException list of images": {"new", ami1,
			func(in *sdk.PutParameterInput) { image(in); in.Type = types.ParameterTypeStringList }},
		"HierarchyLevelLimitExceededException": {strings.Repeat("/a", 16), "x", nil},
		"UnsupportedParameterType":             {"new", "x", func(in *sdk.PutParameterInput) { in.Type = "Number" }},
		"ParameterPatternMismatchException": {"new", "x",
			func(in *sdk.PutParameterInput) { in.AllowedPattern = aws.String(`^\d+$`) }},
		"InvalidAllowedPatternException": {"new", "x",
			func(in *sdk.PutParameterInput) { in.AllowedPattern = aws.String("(") }},
		"ValidationException reserved in any case":  {"SSM-x", "x", nil},
		"ValidationException ends in a slash":       {"/a/", "x", nil},
		"ValidationException longer than a name is": {"/" + strings.Repeat("n", 1011), "x", nil},
	} {
		if c.change == nil {
			c.change = func(*sdk.PutParameterInput) {}
		}
		_, err := s.put(t, c.name, c.value, c.change)
		if code(err) != strings.Fields(want)[0] {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestHierarchyPageByPage(t *testing.T) {
	s := newScene()
	var want []string
	for i := range 23 {
		name := fmt.Sprintf("%s-%02d", web, i)
		want = append(want, name)
		if _, err := s.put(t, name, "x"); err != nil {
			t.Fatal(err)
		}
	}
	for _, other := range []string{"/goldsmith/other", "/goldsmith/images/deep/er", "flat", "/goldsmith/imagesque"} {
		if _, err := s.put(t, other, "x"); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, s.allBelow(t, "/goldsmith/images")); diff != "" {
		t.Errorf("by path (-want +got):\n%s", diff)
	}
	deep, err := s.GetParametersByPath(t.Context(),
		&sdk.GetParametersByPathInput{Path: aws.String("/goldsmith/images/"), Recursive: aws.Bool(true),
			MaxResults: aws.Int32(1)})
	if err != nil || aws.ToString(deep.Parameters[0].Name) != "/goldsmith/images/deep/er" {
		t.Errorf("recursive: %+v, %v", deep, err)
	}
	checkDescribe(t, s)
}

func (s *scene) allBelow(t *testing.T, path string) []string {
	t.Helper()
	var names []string
	pages := sdk.NewGetParametersByPathPaginator(s, &sdk.GetParametersByPathInput{Path: aws.String(path)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Parameters {
			names = append(names, aws.ToString(p.Name))
		}
	}
	return names
}

func checkDescribe(t *testing.T, s *scene) {
	t.Helper()
	for want, f := range map[int]types.ParameterStringFilter{
		1:  {Key: aws.String("Name"), Values: []string{"flat"}},
		24: {Key: aws.String("Name"), Option: aws.String("BeginsWith"), Values: []string{"/goldsmith/images/"}},
		2:  {Key: aws.String("Name"), Option: aws.String("Contains"), Values: []string{"other", "flat"}},
		26: {Key: aws.String("Path"), Option: aws.String("Recursive"), Values: []string{"/goldsmith"}},
		27: {Key: aws.String("DataType"), Values: []string{"text"}},
		0:  {Key: aws.String("Type"), Values: []string{"StringList"}},
	} {
		out, err := s.DescribeParameters(t.Context(),
			&sdk.DescribeParametersInput{ParameterFilters: []types.ParameterStringFilter{f}})
		if err != nil || len(out.Parameters) != want {
			t.Errorf("%s: %d parameters, want %d; %v", *f.Key, len(out.Parameters), want, err)
		}
	}
	for want, in := range map[string]*sdk.DescribeParametersInput{
		"InvalidFilterKey": {ParameterFilters: []types.ParameterStringFilter{{Key: aws.String("Color"),
			Values: []string{"x"}}}},
		"InvalidFilterOption": {ParameterFilters: []types.ParameterStringFilter{{Key: aws.String("Name"),
			Option: aws.String("Like"), Values: []string{"x"}}}},
		"InvalidNextToken":    {NextToken: aws.String("?")},
		"ValidationException": {MaxResults: aws.Int32(51)},
	} {
		if _, err := s.DescribeParameters(t.Context(), in); code(err) != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestGetParameters(t *testing.T) {
	s := newScene()
	if _, err := s.put(t, web, "x"); err != nil {
		t.Fatal(err)
	}
	out, err := s.GetParameters(t.Context(), &sdk.GetParametersInput{Names: []string{"no", web}})
	if err != nil || len(out.Parameters) != 1 || !slices.Equal(out.InvalidParameters, []string{"no"}) {
		t.Errorf("%+v, %v", out, err)
	}
	if _, err := s.GetParameters(t.Context(),
		&sdk.GetParametersInput{Names: make([]string, 11)}); code(err) != "ValidationException" {
		t.Error(err)
	}
}

func TestUnknownOperationAndLog(t *testing.T) {
	s := newScene()
	if _, err := s.ListDocuments(context.Background(),
		&sdk.ListDocumentsInput{}); code(err) != "UnknownOperationException" {
		t.Error(err)
	}
	s.value(t, web)
	records := s.log.Since(0)
	if len(records) != 2 || records[0].Error != "UnknownOperationException" || records[1].Action != "GetParameter" ||
		!slices.Equal(records[1].Resources, []string{web}) || records[1].Error != "ParameterNotFound" {
		t.Errorf("log %+v", records)
	}
}
