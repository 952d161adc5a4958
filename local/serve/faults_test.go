package serve

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/clock"
	world "goldsmith/local/ec2"
	"goldsmith/local/eventbridge"
	"goldsmith/local/slack"
	"goldsmith/local/stack"
	"goldsmith/shared/fault"
	"goldsmith/shared/plan"
)

// bad is a suite on which something goes wrong, with a running instance.
type bad struct {
	*testing.T
	*stack.Stack
	cloud    *ec2.Client
	instance string
}

// rehearse plays a story on a suite with a fault, as a person asks for it.
func rehearse(t *testing.T, text string, story func(*bad)) {
	t.Helper()
	t.Run(text, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f, err := ParseFault(text)
			if err != nil {
				t.Fatal(err)
			}
			all := []Fault{f}
			s, err := stack.New(stack.Options{
				Clock: clock.Real(), Plans: plan.Plans{}, Events: events(all, time.Now()), Sweep: 1000 * time.Hour,
			})
			if err != nil {
				t.Fatal(err)
			}
			cloud := ec2.NewFromConfig(s.AWS(), func(o *ec2.Options) { o.Retryer = aws.NopRetryer{} })
			b := &bad{T: t, Stack: s, cloud: cloud}
			b.instance = b.launch("")
			if err := s.EC2.SetState(b.instance, world.Running); err != nil {
				t.Fatal(err)
			}
			inject(s, all, time.Now())
			story(b)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	})
}

func (b *bad) want(code string, err error) {
	b.Helper()
	if got := fault.Code(err); got != code || code == "" && err != nil {
		b.Errorf("got %v, want %q", err, code)
	}
}

func (b *bad) launch(code string) string {
	b.Helper()
	out, err := b.cloud.RunInstances(b.Context(), &ec2.RunInstancesInput{
		ImageId: aws.String(world.ImageX86), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
	})
	b.want(code, err)
	if err != nil {
		return ""
	}
	return aws.ToString(out.Instances[0].InstanceId)
}

func (b *bad) stop(force bool) {
	b.Helper()
	_, err := b.cloud.StopInstances(b.Context(), &ec2.StopInstancesInput{InstanceIds: []string{b.instance}, Force: &force})
	b.want("", err)
	time.Sleep(time.Hour)
}

func (b *bad) start(code string) {
	b.Helper()
	_, err := b.cloud.StartInstances(b.Context(), &ec2.StartInstancesInput{InstanceIds: []string{b.instance}})
	b.want(code, err)
	time.Sleep(time.Hour)
}

func (b *bad) is(state types.InstanceStateName) {
	b.Helper()
	out, err := b.cloud.DescribeInstances(b.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{b.instance}})
	b.want("", err)
	if got := out.Reservations[0].Instances[0].State.Name; got != state {
		b.Errorf("the instance is %s, want %s", got, state)
	}
}

// image is the state that a new image comes to.
func (b *bad) image() types.ImageState {
	b.Helper()
	out, err := b.cloud.CreateImage(b.Context(), &ec2.CreateImageInput{InstanceId: &b.instance, Name: aws.String("web")})
	b.want("", err)
	time.Sleep(24 * time.Hour)
	in := &ec2.DescribeImagesInput{ImageIds: []string{aws.ToString(out.ImageId)}}
	images, err := b.cloud.DescribeImages(b.Context(), in)
	b.want("", err)
	return images.Images[0].State
}

// post is the status that Slack answers a message with.
func (b *bad) post() int {
	b.Helper()
	body := strings.NewReader(`{"text":"hello"}`)
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, slack.WebhookURL, body)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	b.Slack.ServeHTTP(w, r)
	return w.Code
}

// TestEachFaultDoesWhatItSays rehearses each bad night, those that last for a time until they are over.
func TestEachFaultDoesWhatItSays(t *testing.T) {
	played := map[string]bool{}
	play := func(text, name string, story func(*bad)) {
		played[name] = true
		rehearse(t, text, story)
	}
	play("capacity,for=90m", "capacity", func(b *bad) {
		b.launch("InsufficientInstanceCapacity")
		b.stop(false)
		b.start("InsufficientInstanceCapacity")
		b.start("")
		b.is("running")
	})
	play("stuck-stop", "stuck-stop", func(b *bad) {
		b.stop(false)
		b.is("stopping")
		b.stop(true)
		b.is("stopped")
	})
	play("wedged-stop", "wedged-stop", func(b *bad) {
		b.stop(true)
		b.is("stopping")
	})
	play("failed-start,for=90m", "failed-start", func(b *bad) {
		b.stop(false)
		b.start("")
		b.is("stopped")
		b.start("")
		b.is("running")
	})
	play("failed-image", "failed-image", func(b *bad) {
		if got := b.image(); got != types.ImageStateFailed {
			b.Errorf("the image is %s", got)
		}
	})
	play("failed-boot", "failed-boot", func(b *bad) {
		id := b.launch("")
		time.Sleep(time.Hour)
		in := &ec2.DescribeInstanceStatusInput{InstanceIds: []string{id}}
		out, err := b.cloud.DescribeInstanceStatus(b.Context(), in)
		b.want("", err)
		if got := out.InstanceStatuses[0].InstanceStatus.Status; got != types.SummaryStatusImpaired {
			b.Errorf("its status is %s", got)
		}
	})
	play("throttled,for=1h", "throttled", func(b *bad) {
		b.is("running")
		_, err := b.cloud.DescribeInstances(b.Context(), nil)
		b.want("RequestLimitExceeded", err)
		time.Sleep(2 * time.Hour)
		for range 5 {
			b.is("running")
		}
	})
	play("lost-events,for=90m", "lost-events", losesEvents)
	play("slack-down,for=1h", "slack-down", postsNothing)
	for name := range faults {
		if !played[name] {
			t.Errorf("no test plays %s", name)
		}
	}
}

func losesEvents(b *bad) {
	b.stop(false)
	if lost := len(b.Bus.Records(eventbridge.Lost)); lost == 0 || len(b.Bus.Records(eventbridge.Delivered)) > 0 {
		b.Errorf("%d events were lost: %+v", lost, b.Bus.Stats())
	}
	time.Sleep(time.Hour)
	b.start("")
	if len(b.Bus.Records(eventbridge.Delivered)) == 0 {
		b.Errorf("no event is delivered once it is over: %+v", b.Bus.Stats())
	}
}

func postsNothing(b *bad) {
	if got := b.post(); got != http.StatusServiceUnavailable {
		b.Errorf("Slack answers %d", got)
	}
	time.Sleep(2 * time.Hour)
	if got := b.post(); got != http.StatusOK {
		b.Errorf("once it is over Slack answers %d", got)
	}
}
