package serve_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/clock"
	world "goldsmith/local/ec2"
	"goldsmith/local/serve"
	"goldsmith/local/stack"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// browser is a browser at a suite's address.
type browser struct {
	*testing.T
	suite *stack.Stack
	at    http.Handler
}

func browsing(t *testing.T) browser {
	t.Helper()
	s, err := stack.New(stack.Options{Clock: clock.Real(), Table: true,
		Plans: plan.Plans{Default: "web", Plans: map[string]plan.Plan{"web": plan.Default()}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return browser{t, s, serve.WithPages(s, time.Now)}
}

// shows holds what a page says, and whether it is loaded again by itself.
func (b browser) shows(path string, code int, again bool, says string) (text string) {
	b.Helper()
	answer := httptest.NewRecorder()
	b.at.ServeHTTP(answer, httptest.NewRequestWithContext(b.Context(), http.MethodGet, path, http.NoBody))
	text = answer.Body.String()
	loads := answer.Header().Get("Refresh") != ""
	if answer.Code != code || loads != again || !regexp.MustCompile(says).MatchString(text) {
		b.Errorf("%s: %d, loaded again: %t; want %q:\n%s", path, answer.Code, loads, says, text)
	}
	return text
}

// asks launches an instance and asks for its image.
func (b browser) asks(name string) {
	b.Helper()
	one := aws.Int32(1)
	out, err := ec2.NewFromConfig(b.suite.AWS()).RunInstances(b.Context(), &ec2.RunInstancesInput{
		ImageId: aws.String(world.ImageX86), InstanceType: "t3.micro", MinCount: one, MaxCount: one,
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance,
			Tags: tag.List(map[string]string{"Name": name})}},
	})
	if err != nil {
		b.Fatal(err)
	}
	time.Sleep(time.Minute)
	id := aws.ToString(out.Instances[0].InstanceId)
	if err := b.suite.EC2.SetTags(id, map[string]string{tag.Request: "web"}); err != nil {
		b.Fatal(err)
	}
}

// A browser sees a run while it is on and after, and a page over all leads to it; calls to AWS go where they went.
func TestABrowserSeesTheRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := browsing(t)
		b.shows("/", http.StatusOK, true, "There is no run")
		b.shows("/runs/none", http.StatusNotFound, false, "no such run")
		b.asks("shop")
		time.Sleep(20 * time.Second)
		all := b.shows("/", http.StatusOK, true, `href="/runs/[^"]+">`)
		path := "/runs/" + strings.SplitN(strings.SplitN(all, `href="/runs/`, 2)[1], `"`, 2)[0]
		b.shows(path, http.StatusOK, true, `(?s)RUNNING.*shop</td><td>stopp(ing|ed); its stop was sent at [\d:]+ UTC`)
		time.Sleep(time.Hour)
		b.shows(path, http.StatusOK, false, `(?s)badge ok">OK.*<b>1</b> imaged`)
		b.shows("/", http.StatusOK, true, `<h1>1 run</h1>`)
		answer := httptest.NewRecorder()
		b.at.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody))
		if answer.Code != http.StatusForbidden {
			t.Errorf("an unsigned call: %d", answer.Code)
		}
	})
}
