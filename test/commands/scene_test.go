package commands

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/infra/workflow"
	"goldsmith/local/clock"
	world "goldsmith/local/ec2"
	"goldsmith/local/serve"
	"goldsmith/local/stack"
	"goldsmith/shared/planfile"
	"goldsmith/shared/tag"
)

// scene is a served suite with one instance, of which there is an image, and a person's terminal.
type scene struct {
	*testing.T
	suite    *stack.Stack
	clock    *clock.Clock
	endpoint string
	program  string
	instance string
	image    string
	snapshot string
	subnet   string
	group    string
	began    time.Time
	run      string
}

// installed tells whether a program is on the PATH, which CI wants.
func installed(t *testing.T, name string) bool {
	t.Helper()
	if _, err := exec.LookPath(name); err == nil {
		return true
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed; CI needs it", name)
	}
	t.Logf("NOT RUN: %s is not installed", name)
	return false
}

// built is the command line, made once.
var built = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "goldsmith")
	if err != nil {
		return "", err
	}
	program := filepath.Join(folder, "goldsmith")
	build := exec.Command("go", "build", "-o", program, "../../cmd/goldsmith")
	out, err := build.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return program, nil
})

// speed leaves the functions on a busy machine enough of their time, of which there is 30 seconds.
const speed = 100

func open(t *testing.T) *scene {
	t.Helper()
	program, err := built()
	s := &scene{T: t, program: program, clock: clock.Scaled(time.Now(), speed), began: time.Now()}
	s.must(err)
	plans, err := planfile.Load("../../plans.yaml", time.Now())
	s.must(err)
	for name, p := range plans.Plans {
		p.Schedule = "at(2099-12-31T00:00:00)" // A page's commands take many of its days.
		plans.Plans[name] = p
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	s.must(err)
	s.endpoint = "http://" + listener.Addr().String()
	s.suite, err = stack.New(stack.Options{
		Clock: s.clock, Plans: plans, Endpoint: s.endpoint, Table: true, History: true, Sweep: 1000 * time.Hour,
	})
	s.must(err)
	server := serve.Server(s.suite)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() {
		_, _ = s.suite.Close(), server.Close()
		_ = os.Remove(filepath.Join("../..", s.run+".html")) // goldsmith report writes it where a person is.
	})
	s.launch()
	for range 6 { // The guide's example deletes the seventh version.
		s.must(s.suite.Deploy(workflow.Definition, nil))
	}
	return s
}

func (s *scene) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// launch starts the instance.
func (s *scene) launch() {
	s.Helper()
	cloud := ec2.NewFromConfig(s.suite.AWS())
	out, err := cloud.RunInstances(s.Context(), &ec2.RunInstancesInput{
		ImageId: aws.String(world.ImageX86), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		TagSpecifications: []types.TagSpecification{{
			ResourceType: "instance", Tags: tag.List(map[string]string{"Name": "web", tag.Plan: "nightly"}),
		}},
	})
	s.must(err)
	s.instance, s.subnet = aws.ToString(out.Instances[0].InstanceId), aws.ToString(out.Instances[0].SubnetId)
	s.group = aws.ToString(out.Instances[0].SecurityGroups[0].GroupId)
	s.must(s.suite.EC2.SetState(s.instance, world.Running))
}

// imaged has an image made of the instance.
func (s *scene) imaged() {
	s.Helper()
	said := s.bash("goldsmith run nightly --source $INSTANCE --wait --output json")
	s.run = regexp.MustCompile(`nightly-[A-Za-z0-9-]+`).FindString(said)
	s.snapshot = regexp.MustCompile(`snap-[0-9a-f]{17}`).FindString(said)
	if s.image = regexp.MustCompile(`ami-[0-9a-f]{17}`).FindString(said); s.image == "" {
		s.Fatalf("no image was made:\n%s", said)
	}
}

// types runs what a page tells, with what stands for something replaced.
func (s *scene) types(text string) {
	s.Helper()
	full := text
	if more, ok := whole[text]; ok {
		full = more.text
		if more.before != nil {
			more.before(s)
		}
	}
	s.bash(s.filled(full))
}

// filled replaces what a page writes for a person's own.
func (s *scene) filled(text string) string {
	then := s.clock.Now().Add(-10 * time.Minute).UTC().Format(time.RFC3339)
	for _, each := range []struct{ of, by string }{
		{`go run \./cmd/goldsmith`, "goldsmith"}, {`\bsleep 2\b`, "sleep 1"}, {`\bsleep 10\b`, "sleep 6"},
		{`http://127\.0\.0\.1:4599`, s.endpoint}, {`\baws sqs\b`, "aws --endpoint-url $AWS_ENDPOINT_URL sqs"},
		{`\b2026-03-22T01:00:00Z`, then}, {`\bnightly-20260322T023000Z\b|\bRUN\b`, s.run},
		{`\bARN\b`, s.suite.Machine}, {`\bTABLE\b`, "goldsmith"},
		{`\bURL\b`, s.endpoint + "/123456789012/goldsmith-dead-letters"},
		{`i-0123456789abcdef0|\bi-\.\.\.|<id>|\bSOURCE\b|\bID\b|\$id\b`, s.instance},
		{`\bami-\.\.\.`, s.image}, {`\bsnap-\.\.\.`, s.snapshot},
		{`\bsubnet-\.\.\.`, s.subnet}, {`\bsg-\.\.\.`, s.group},
		{`\bPLAN\b`, "nightly"}, {`\bNAME\b`, "web"},
	} {
		if strings.Contains(text, "id=$(") && strings.Contains(each.of, `\$id`) {
			continue // The block has an instance of its own.
		}
		text = regexp.MustCompile(each.of).ReplaceAllString(text, strings.ReplaceAll(each.by, "$", "$$"))
	}
	return text
}

// bash types lines into a terminal, and wants each to succeed.
func (s *scene) bash(text string) string {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", text)
	c.Dir = "../.."
	c.Stdin = strings.NewReader("y\n")
	c.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+s.endpoint,
		"AWS_DEFAULT_REGION=eu-central-1", "AWS_REGION=eu-central-1",
		"AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any", "AWS_PAGER=", "AWS_CONFIG_FILE=/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true", "INSTANCE="+s.instance,
		"PATH="+filepath.Dir(s.program)+string(os.PathListSeparator)+os.Getenv("PATH"))
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil {
		s.Errorf("%s\n%v\n%s", text, err, out.String())
	}
	return out.String()
}

// completed is a command that a page names by its verb, or that comes after another, as a person types it.
type completed struct {
	text   string
	before func(*scene)
}

// whole are such commands.
var whole = map[string]completed{
	"goldsmith rollback": {text: "goldsmith rollback --name web --dry"},
	// The suite's instance runs there. It would take a minute, and a test of its own tries everything.
	"goldsmith prove":         {text: "goldsmith prove --i-know --only group-not-found --dir $(mktemp -d)"},
	"goldsmith prove --clean": {text: "goldsmith prove --clean --dir $(mktemp -d)"},
	"goldsmith run":           {text: "goldsmith run on-demand --source SOURCE"},
	"goldsmith doctor":        {text: "goldsmith doctor || test $? = 4"}, // The suite's plans have other schedules.
	// It is in its plan for what comes after.
	"goldsmith leave i-...": {text: "goldsmith leave i-... && goldsmith enrol nightly i-... --yes"},
	// The repository has plans.
	"goldsmith init":           {text: "goldsmith init first.yaml && rm first.yaml"},
	"goldsmith init team.yaml": {text: "goldsmith init team.yaml && goldsmith check team.yaml && rm team.yaml"},
	"goldsmith cancel RUN":     {text: "goldsmith cancel RUN --yes || test $? = 1"}, // It has ended.
	// It keeps nothing from being stopped.
	"goldsmith exempt SOURCE":         {text: "goldsmith exempt SOURCE || test $? = 1"},
	"goldsmith exempt <id>":           {text: "goldsmith exempt <id> || test $? = 1"},
	"goldsmith adopt ami-... ami-...": {text: "goldsmith adopt ami-... || test $? = 3"}, // It is registered already.
	"aws dynamodb query --table-name TABLE-drill --key-condition-expression 'pk = :r' " +
		"--expression-attribute-values '{\":r\":{\"S\":\"register\"}}' --select COUNT": {
		text: "aws dynamodb query --table-name TABLE --key-condition-expression 'pk = :r' " +
			"--expression-attribute-values '{\":r\":{\"S\":\"register\"}}' --select COUNT"},
	"aws dynamodb restore-table-to-point-in-time --source-table-name TABLE --target-table-name TABLE-restored " +
		"--restore-date-time 2026-03-22T01:00:00Z": {
		before: (*scene).old, text: "aws dynamodb restore-table-to-point-in-time " +
			"--source-table-name TABLE --target-table-name TABLE-restored --restore-date-time 2026-03-22T01:00:00Z"},
	"aws secretsmanager create-secret --name goldsmith/slack --secret-string file://slack.json\n" +
		`make deploy ARGS="-c slackSecret=goldsmith/slack -c emails=ops@example.com"`: {
		text: "aws secretsmanager create-secret --name goldsmith/other --secret-string '{}'"},
	"aws stepfunctions stop-execution": {text: "aws stepfunctions stop-execution --execution-arn " +
		"$(aws stepfunctions start-execution --state-machine-arn ARN --query executionArn --output text)"},
	// It looks every 15 seconds, which are 25 minutes of this suite's time.
	"aws ec2 wait instance-status-ok --instance-ids i-...": {
		text: "aws ec2 describe-instance-status --include-all-instances --instance-ids i-..."},
	"aws elbv2 register-targets": {text: "aws elbv2 describe-target-groups"}, // The suite has no load balancer.
	"aws sqs purge-queue":        {text: "aws sqs purge-queue --queue-url URL"},
	"aws ec2 enable-image": {text: "aws ec2 disable-image --image-id ami-... && " +
		"aws ec2 enable-image --image-id ami-..."},
	"aws ebs start-snapshot":    {text: "aws ebs start-snapshot --volume-size 1"},
	"aws dynamodb create-table": {before: (*scene).dropped, text: createTable},
	"aws dynamodb create-backup --table-name TABLE-restored --backup-name before": {
		text: "aws dynamodb create-backup --table-name TABLE --backup-name before"},
	"aws dynamodb restore-table-from-backup --target-table-name TABLE --backup-arn ARN": {
		before: (*scene).dropped,
		text: "aws dynamodb restore-table-from-backup --target-table-name TABLE --backup-arn " +
			"$(aws dynamodb list-backups --backup-type SYSTEM --query BackupSummaries[0].BackupArn --output text)"},
	"aws dynamodb update-time-to-live --table-name TABLE --time-to-live-specification " +
		"Enabled=true,AttributeName=expires": {
		before: (*scene).plain,
		text: "aws dynamodb update-time-to-live --table-name TABLE --time-to-live-specification " +
			"Enabled=true,AttributeName=expires"},
}

const createTable = "aws dynamodb create-table --table-name TABLE --billing-mode PAY_PER_REQUEST " +
	"--attribute-definitions AttributeName=pk,AttributeType=S AttributeName=sk,AttributeType=S " +
	"--key-schema AttributeName=pk,KeyType=HASH AttributeName=sk,KeyType=RANGE"

// old waits until the table is old enough to be restored to ten minutes ago.
func (s *scene) old() {
	s.must(s.clock.Sleep(s.Context(), s.began.Add(11*time.Minute).Sub(s.clock.Now())))
}

// dropped takes the table away, as the guide does it.
func (s *scene) dropped() {
	s.Helper()
	s.bash("aws dynamodb update-table --table-name goldsmith --no-deletion-protection-enabled && " +
		"aws dynamodb delete-table --table-name goldsmith && sleep 0.3")
	if _, err := dynamodb.NewFromConfig(s.suite.AWS()).DescribeTable(s.Context(),
		&dynamodb.DescribeTableInput{TableName: aws.String("goldsmith")}); err == nil {
		s.Error("the table is still there")
	}
}

// plain makes the table one that was restored or made by hand.
func (s *scene) plain() {
	s.Helper()
	s.dropped()
	s.bash(s.filled(createTable) + " && sleep 0.3")
}
