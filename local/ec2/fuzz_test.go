package ec2_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"goldsmith/local/clock"
	"goldsmith/local/ec2"
)

// FuzzWorld holds that no request can panic the World, and that every answer is
// a response or an error of EC2's, never an internal error.
func FuzzWorld(f *testing.F) {
	for _, form := range []string{
		"Action=RunInstances&ImageId=ami-00000000000000086&InstanceType=t3.micro&MinCount=1&MaxCount=2&BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.VolumeSize=-1",
		"Action=DescribeInstances&Filter.1.Name=tag:a&Filter.1.Value.1=%5C*%3F**&MaxResults=5&NextToken=YWZ0ZXIvMQ==",
		"Action=CreateLaunchTemplate&LaunchTemplateName=abc&LaunchTemplateData.ImageId=x&LaunchTemplateData.BlockDeviceMapping=1",
		"Action=CreateLaunchTemplate&LaunchTemplateName=abc&LaunchTemplateData=x&LaunchTemplateData.NetworkInterface.1=2",
		"Action=ModifyInstanceAttribute&InstanceId=i-1&Attribute=x&Value=y",
		"Action=CreateTags&ResourceId.1=ami-00000000000000086&Tag.1.Key=%C3%A9&Tag.1.Value=",
		"Action=ModifyImageAttribute&ImageId=ami-00000000000000086&OperationType=add&UserId.1=1",
		"Action=DescribeTags&Filter.1.Name=key&Filter.1.Value.1=*",
		"Action=RegisterImage&Name=abc&RootDeviceName=/dev/xvda&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.SnapshotId=snap-00000000000000086",
	} {
		f.Add(form)
	}
	f.Fuzz(func(t *testing.T, form string) {
		w := ec2.New(ec2.Options{Clock: clock.Real()})
		out := httptest.NewRecorder()
		w.ServeHTTP(out, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(form)))
		if out.Code >= http.StatusInternalServerError {
			t.Errorf("%q: HTTP %d %s", form, out.Code, out.Body)
		}
	})
}

// TestWildcards holds the matcher against the same pattern as a regular expression.
func TestWildcards(t *testing.T) {
	w := ec2.New(ec2.Options{Clock: clock.Real()})
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab?*é]{1,6}`).Draw(t, "pattern")
		value := rapid.StringMatching(`[abé]{1,6}`).Draw(t, "value")
		want := regexp.MustCompile(`^` + strings.NewReplacer("*", ".*", "?", ".").Replace(pattern) + `$`).MatchString(value)
		post(t, w, map[string][]string{"Action": {"CreateTags"}, "ResourceId.1": {ec2.ImageX86}, "Tag.1.Key": {"k"},
			"Tag.1.Value": {value}})
		found := post(t, w, map[string][]string{"Action": {"DescribeTags"}, "Filter.1.Name": {"value"},
			"Filter.1.Value.1": {pattern}})
		if got := cut(found, "key") == "k"; got != want {
			t.Errorf("%q matches %q: %v, want %v", pattern, value, got, want)
		}
	})
}
