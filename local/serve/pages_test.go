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

// A browser sees a run while it is on and after, and a page over all leads to it; calls to AWS go where they went.
func TestABrowserSeesTheRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := stack.New(stack.Options{Clock: clock.Real(), Table: true,
			Plans: plan.Plans{Default: "web", Plans: map[string]plan.Plan{"web": plan.Default()}}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		browser := serve.WithPages(s, time.Now)
		get := func(path string) (code int, again, text string) {
			answer := httptest.NewRecorder()
			browser.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
			return answer.Code, answer.Header().Get("Refresh"), answer.Body.String()
		}
		if code, again, text := get("/"); code != http.StatusOK || again == "" || !strings.Contains(text, "There is no run") {
			t.Errorf("before any run: %d, again %q: %s", code, again, text)
		}
		if code, _, _ := get("/runs/none"); code != http.StatusNotFound {
			t.Errorf("a run that there is not: %d", code)
		}
		one := aws.Int32(1)
		out, err := ec2.NewFromConfig(s.AWS()).RunInstances(t.Context(), &ec2.RunInstancesInput{
			ImageId: aws.String(world.ImageX86), InstanceType: "t3.micro", MinCount: one, MaxCount: one,
			TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance,
				Tags: tag.List(map[string]string{"Name": "shop"})}},
		})
		if err != nil {
			t.Fatal(err)
		}
		id := aws.ToString(out.Instances[0].InstanceId)
		time.Sleep(time.Minute)
		if err := s.EC2.SetTags(id, map[string]string{tag.Request: "web"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		_, _, all := get("/")
		link := regexp.MustCompile(`href="(/runs/[^"]+)">`).FindStringSubmatch(all)
		if link == nil {
			t.Fatalf("no link to the run:\n%s", all)
		}
		code, again, text := get(link[1])
		if code != http.StatusOK || again == "" || !strings.Contains(text, "RUNNING") ||
			!regexp.MustCompile(`shop</td><td>stopp(ing|ed); its stop was sent at`).MatchString(text) {
			t.Errorf("while it is on: %d, again %q:\n%s", code, again, text)
		}
		time.Sleep(time.Hour)
		code, again, text = get(link[1])
		if code != http.StatusOK || again != "" || strings.Contains(text, "RUNNING") || !strings.Contains(text, "<b>1</b> imaged") {
			t.Errorf("after it: %d, again %q:\n%s", code, again, text)
		}
		answer := httptest.NewRecorder()
		browser.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody))
		if answer.Code != http.StatusForbidden {
			t.Errorf("an unsigned call: %d", answer.Code)
		}
	})
}
