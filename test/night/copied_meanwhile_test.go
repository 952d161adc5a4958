package night_test

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"goldsmith/local/account"
	"goldsmith/local/ec2"
	"goldsmith/local/query"
)

// deniedAfar denies the functions some calls in a Region, or all of them, once it is on.
type deniedAfar struct {
	region  string
	actions []string
	// of are actions that one function is denied, by its name.
	of map[string][]string
	on atomic.Bool
}

func (d *deniedAfar) layer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller := r.Header.Get(query.CallerHeader)
		if d.on.Load() && caller != "" && strings.Contains(r.Header.Get("Authorization"), "/"+d.region+"/") &&
			d.denies(caller, account.Operation(r)) {
			account.Deny(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (d *deniedAfar) denies(caller, action string) bool {
	function, _, _ := strings.Cut(caller, "/")
	if d.of != nil {
		return slices.Contains(d.of[function], action)
	}
	return len(d.actions) == 0 || slices.Contains(d.actions, action)
}

// A Region that is disabled, and a plan that is deployed without alias, while copies are on their way: home has its
// image, the other Region its copy, and what came to nothing is told. Once that is put right the next night has all
// again.
func TestARegionIsTakenAwayWhileCopiesAreOnTheirWay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		denied []string
		says   []string
	}{
		"the Region is disabled": {nil, []string{"PARTIAL: nightly", "1 copied, 1 not copied",
			"not copied to us-east-1: what has become of copy ami-", "was not found out in 1h0m0s: looking at"}},
		"alias is taken out of the plan": {[]string{"PutParameter", "GetParameter", "CreateLaunchTemplateVersion",
			"ModifyLaunchTemplate", "DescribeLaunchTemplates", "DescribeLaunchTemplateVersions"},
			[]string{"PARTIAL: nightly", "2 copied", "in us-east-1", "UnauthorizedOperation"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &deniedAfar{region: virginia, actions: c.denied}
			o := rolledAfar()
			o.Guard = guarded(d.layer)
			play(t, o, func(n *night) {
				n.excused.slack, n.excused.afar = true, true
				web := n.launch("web", "gp3")
				n.template("web", "web", "t3.micro", ec2.ImageX86)
				there := n.templateIn(virginia, "web", "web", ec2.ImageX86)
				n.after("copy", web, func(work) { d.on.Store(true) })
				n.begin()
				time.Sleep(time.Until(due.Add(3 * time.Hour)))
				first := n.results(n.onlyRun())[web]
				n.want("rolled at home", first.Rolled[0].To, first.Image.ID)
				n.want("there", n.launchesAfar(virginia, there), ec2.ImageX86)
				n.want("in the other Region", []any{first.Copies[1].Problem, len(n.in(paris)) > 0}, []any{"", true})
				n.saysOf(n.onlyRun(), c.says...)
				time.Sleep(time.Until(due.Add(27 * time.Hour)))
				n.want("there after the next night", n.launchesAfar(virginia, there), ec2.ImageX86)
				d.on.Store(false)
				last := n.results(n.nights(2))[web].Copies[0].ID
				time.Sleep(5 * time.Minute)
				n.want("once it is put right", []string{n.launchesAfar(virginia, there), n.aliasIn(virginia, "web")},
					[]string{last, last})
			})
		})
	}
}
