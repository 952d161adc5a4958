package serve_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"goldsmith/local/clock"
)

// tool is a program of CI's requirements on the PATH; without one, outside CI, the test tells so.
func tool(t *testing.T, name string, try ...string) bool {
	t.Helper()
	if exec.CommandContext(t.Context(), name, try...).Run() == nil {
		return true
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s %s does not run; CI needs it", name, strings.Join(try, " "))
	}
	t.Logf("NOT RUN: %s is not installed (pip install -r .ci/requirements.txt)", name)
	return false
}

// live is the embedded AWS an hour of which passes in little more than a second.
func live(t *testing.T) (environment []string) {
	t.Helper()
	address := servedOn(t, clock.Scaled(time.Now(), 3000))
	return append(os.Environ(), "AWS_ENDPOINT_URL=http://"+address, "AWS_DEFAULT_REGION=eu-central-1",
		"AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any", "AWS_PAGER=", "AWS_CONFIG_FILE=/dev/null",
		"AWS_EC2_METADATA_DISABLED=true")
}

func TestASessionWithBoto3(t *testing.T) {
	if !tool(t, "python3", "-c", "import boto3") {
		return
	}
	command := exec.CommandContext(t.Context(), "python3", "testdata/session.py")
	command.Env = live(t)
	if out, err := command.CombinedOutput(); err != nil || !strings.HasSuffix(string(out), "done\n") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestASessionWithTheAWSCLI(t *testing.T) {
	if !tool(t, "aws", "--version") {
		return
	}
	environment := live(t)
	run := func(line string) string {
		t.Helper()
		command := exec.CommandContext(t.Context(), "aws", strings.Fields(line)...)
		command.Env = environment
		out, err := command.CombinedOutput()
		if err != nil {
			return strings.TrimSpace(string(out)) + " !"
		}
		return strings.TrimSpace(string(out))
	}
	want := func(line, part string) {
		t.Helper()
		if got := run(line); !strings.Contains(got, part) ||
			strings.HasSuffix(got, "!") != strings.Contains(part, "error occurred") {
			t.Errorf("aws %s: %s, want %s", line, got, part)
		}
	}
	want("sts get-caller-identity --query Account --output text", "123456789012")
	id := run("ec2 run-instances --image-id ami-00000000000000086 --instance-type t3.micro --query " +
		"Instances[0].InstanceId --output text")
	want("ec2 wait instance-running --instance-ids "+id, "")
	want("ec2 start-instances --dry-run --instance-ids "+id, "error occurred (DryRunOperation)")
	want("ec2 start-instances --dry-run --instance-ids i-00000000000000000", "error occurred (InvalidInstanceID.NotFound)")
	image := run("ec2 create-image --no-reboot --name web --instance-id " + id + " --query ImageId --output text")
	want("ec2 wait image-available --image-ids "+image, "")
	copied := run("ec2 copy-image --name copy --source-region eu-central-1 --source-image-id " + image +
		" --query ImageId --output text")
	want("ec2 wait image-available --image-ids "+copied, "")
	want("ec2 modify-image-attribute --image-id "+copied+" --launch-permission Add=[{UserId=210987654321}]", "")
	want("ec2 describe-image-attribute --attribute launchPermission --output text --image-id "+copied, "210987654321")
	want("ec2 describe-images --owners self --page-size 1 --max-items 2 --query Images[].ImageId --output text", image)
	want("sns list-topics", "error occurred (InvalidAction)")
	want("route53 list-hosted-zones", "error occurred (UnknownOperationException)")
}
