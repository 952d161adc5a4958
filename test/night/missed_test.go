package night_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/local/stack"
	"goldsmith/shared/plan"
)

func threeDaysOfGrace(p *plan.Plan) {
	p.Keep = plan.Keep{Daily: 30, Minimum: 2, Grace: plan.Duration(72 * time.Hour)}
}

// there is whether EC2 shows a snapshot.
func (n *night) there(snapshot string) bool {
	n.t.Helper()
	for _, s := range n.snapshots() {
		if aws.ToString(s.SnapshotId) == snapshot {
			return true
		}
	}
	return false
}

// A person deregisters an image that the rules keep, by mistake: its snapshots stay for the whole grace period, and
// people are told until when and what brings it back.
func TestAnImageIsDeregisteredByMistake(t *testing.T) {
	t.Parallel()
	for which, nth := range map[string]int{"the newest": 3, "one before": 1} {
		t.Run(which, func(t *testing.T) {
			play(t, stack.Options{Plans: nightly(threeDaysOfGrace)}, func(n *night) {
				web := n.launch("web", "stopped unenrolled")
				n.launch("other", "")
				var ids []string
				for k := 9; k > 5; k-- {
					ids = append(ids, n.old("web", web, k))
				}
				n.until(0)
				images := must(n.cloud.DescribeImages(n.ctx, &sdk.DescribeImagesInput{ImageIds: []string{ids[nth]}}))(n.t).Images
				snapshot := aws.ToString(images[0].BlockDeviceMappings[0].Ebs.SnapshotId)
				must(n.cloud.DeregisterImage(n.ctx, &sdk.DeregisterImageInput{ImageId: aws.String(ids[nth])}))(n.t)
				n.until(1)
				n.saysOf(n.runs()[0], "PARTIAL: nightly", "1 deregistered by others", ids[nth], snapshot, "are kept until",
					"Recycle Bin")
				for day := 2; day < 4; day++ {
					n.until(day)
					n.want("snapshot", n.there(snapshot), true)
				}
				n.until(5)
				n.want("snapshot", n.there(snapshot), false)
			})
		})
	}
}

// listless answers DescribeImages for the images that there are with none, while it is on.
type listless struct {
	aws http.Handler
	on  *atomic.Bool
}

func (l listless) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form := string(body)
	if !l.on.Load() || !strings.Contains(form, "Action=DescribeImages&") ||
		!strings.Contains(form, "IncludeDisabled=true") {
		l.aws.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	_, err = io.WriteString(w,
		`<DescribeImagesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><imagesSet/></DescribeImagesResponse>`)
	if err != nil {
		return
	}
}

// For nights EC2 lists no image, although it has them: nothing of theirs is removed.
func TestEC2ListsNoImage(t *testing.T) {
	t.Parallel()
	on := &atomic.Bool{}
	play(t, stack.Options{
		Plans: nightly(threeDaysOfGrace), Guard: func(s *stack.Stack) http.Handler { return listless{s, on} },
	}, func(n *night) {
		n.launch("web", "gp3 gp3")
		for k := range 3 {
			n.nights(k)
		}
		before := n.snapshots()
		time.Sleep(time.Until(due.AddDate(0, 0, 3)) - time.Second)
		on.Store(true)
		for k := range 5 {
			n.nights(3 + k)
		}
		time.Sleep(20 * time.Minute)
		on.Store(false)
		for _, s := range before {
			n.want(aws.ToString(s.SnapshotId), n.there(aws.ToString(s.SnapshotId)), true)
		}
	})
}
