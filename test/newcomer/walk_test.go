package newcomer

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/clock"
	world "goldsmith/local/ec2"
	"goldsmith/local/serve"
	"goldsmith/local/stack"
	"goldsmith/shared/planfile"
	"goldsmith/shared/tag"
)

// section is the part of the README that is walked.
const section = "## From clone to uninstall"

// elsewhere are steps that take an account or a registry; what they do is proved where the reason says.
var elsewhere = map[string]string{
	"npm ci": "CI installs with it",
	"npx cdk bootstrap aws://123456789012/eu-central-1": "it is the CDK's own",
	"go install ./cmd/goldsmith":                        "the walk builds it",
	"make synth":                                        "infra's tests synthesize; TestWhatStays reads what comes of it",
	`make deploy ARGS="-c slackSecret=goldsmith/slack"`: "test/deploy applies what is synthesized",
	"npx cdk destroy":                                   "TestWhatStays",
}

// step is a command and what a person then reads.
type step struct{ command, says string }

// page is the section, and its steps.
func page(t *testing.T) (text string, steps []step) {
	t.Helper()
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(raw), section+"\n")
	if !found {
		t.Fatalf("the README has no section %q", section)
	}
	text, _, _ = strings.Cut(after, "\n## ")
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(block[1]) {
			command, says, _ := strings.Cut(line, "#")
			steps = append(steps, step{strings.TrimSpace(command), strings.TrimSpace(says)})
		}
	}
	return text, steps
}

// walk is a person who goes through the steps.
type walk struct {
	*testing.T
	suite                           *stack.Stack
	folder, endpoint, instance, run string
}

// TestFromCloneToUninstall types each step in its order, and reads what the README says that one reads.
func TestFromCloneToUninstall(t *testing.T) {
	_, steps := page(t)
	w := begin(t)
	walked := 0
	for _, s := range steps {
		if elsewhere[s.command] != "" {
			continue
		}
		walked++
		w.takes(s)
	}
	if walked < 8 || w.run == "" {
		t.Errorf("%d steps were walked, and run %q was seen", walked, w.run)
	}
	for command := range elsewhere {
		if !slices.ContainsFunc(steps, func(s step) bool { return s.command == command }) {
			t.Errorf("the README has no step %q any more", command)
		}
	}
	if state := w.suite.EC2.State(w.instance); state != world.Running {
		t.Errorf("at the end the instance is %s", state)
	}
}

// takes takes a step.
func (w *walk) takes(s step) {
	w.Helper()
	said := w.types(s.command)
	if want := strings.ReplaceAll(s.says, "RUN", w.run); want == "" || !strings.Contains(words(said), words(want)) {
		w.Errorf("%s says\n%s\nand the README: %q", s.command, said, want)
	}
	if w.run == "" {
		w.run = regexp.MustCompile(`on-demand-now-[A-Za-z0-9-]+`).FindString(said)
	}
}

// words is a text without its layout.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }

// speed leaves the functions on a busy machine enough of their time, of which there is 30 seconds.
const speed = 100

// begin serves the suite, and builds the command line.
func begin(t *testing.T) *walk {
	t.Helper()
	w := &walk{T: t, folder: t.TempDir()}
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(w.folder, "goldsmith"),
		"../../cmd/goldsmith").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	plans, err := planfile.Load("../../plans.yaml", time.Now())
	w.must(err)
	text, err := os.ReadFile("../../plans.yaml")
	w.must(err)
	w.must(os.WriteFile(filepath.Join(w.folder, "plans.yaml"), text, 0o600))
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	w.must(err)
	w.endpoint = "http://" + listener.Addr().String()
	w.suite, err = stack.New(stack.Options{
		Clock: clock.Scaled(time.Now(), speed), Plans: plans, Endpoint: w.endpoint, Table: true, History: true,
	})
	w.must(err)
	server := serve.Server(w.suite)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _, _ = w.suite.Close(), server.Close() })
	made, err := ec2.NewFromConfig(w.suite.AWS()).RunInstances(t.Context(), &ec2.RunInstancesInput{
		ImageId: aws.String(world.ImageX86), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		TagSpecifications: []types.TagSpecification{{
			ResourceType: "instance", Tags: tag.List(map[string]string{"Name": "web"}),
		}},
	})
	w.must(err)
	w.instance = aws.ToString(made.Instances[0].InstanceId)
	w.must(w.suite.EC2.SetState(w.instance, world.Running))
	return w
}

func (w *walk) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// types types a step, with the person's own instance and run.
func (w *walk) types(command string) string {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 2*time.Minute)
	defer cancel()
	line := strings.Fields(strings.NewReplacer("i-...", w.instance, "RUN", w.run).Replace(command))
	if line[0] != "goldsmith" {
		w.Fatalf("%s: no step that the walk knows", command)
	}
	c := exec.CommandContext(ctx, filepath.Join(w.folder, line[0]), line[1:]...)
	c.Dir = w.folder
	c.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+w.endpoint, "AWS_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=any",
		"AWS_SECRET_ACCESS_KEY=any", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_EC2_METADATA_DISABLED=true")
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil {
		w.Errorf("%s: %v\n%s", command, err, out.String())
	}
	return out.String()
}

// TestWhatStays holds what the README says of the end against the synthesized template: the table alone is retained.
func TestWhatStays(t *testing.T) {
	text, _ := page(t)
	raw, err := os.ReadFile("../../infra/testdata/full.template.json")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Type, DeletionPolicy string
			Properties           struct{ DeletionProtectionEnabled bool }
		}
	}
	if err := json.Unmarshal(raw, &template); err != nil {
		t.Fatal(err)
	}
	kept := map[string]bool{}
	for _, r := range template.Resources {
		// Versions go with the function or the state machine that they are versions of.
		if strings.HasPrefix(r.DeletionPolicy, "Retain") && !strings.HasSuffix(r.Type, "Version") {
			kept[r.Type] = true
			if !r.Properties.DeletionProtectionEnabled {
				t.Errorf("%s is retained and not protected from deletion", r.Type)
			}
		}
	}
	if got := slices.Sorted(maps.Keys(kept)); !slices.Equal(got, []string{"AWS::DynamoDB::Table"}) ||
		!strings.Contains(text, "the table, which is retained and protected from deletion") {
		t.Errorf("the stack leaves %v", got)
	}
}
