package job_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"goldsmith/shared/job"
)

// A result has a place for the general image and one for the source's own, in whatever order they are put there.
func TestResultOfBothKinds(t *testing.T) {
	own := job.Image{ID: "ami-1", State: "available"}
	general := job.Image{ID: "ami-2", State: job.Unproven, General: true}
	var first, second job.Result
	for _, i := range []job.Image{own, general} {
		first.Put(i)
	}
	for _, i := range []job.Image{general, own} {
		second.Put(i)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]job.Image{own, general}, []job.Image{first.ImageOf(false), first.ImageOf(true)}); diff != "" {
		t.Error(diff)
	}
	counting := func(want bool) {
		t.Helper()
		got := []bool{first.Counts("ami-1"), first.Counts("ami-2"), first.Counts("")}
		if diff := cmp.Diff([]bool{true, want, false}, got); diff != "" {
			t.Error(diff)
		}
	}
	counting(false)
	general.State = "available"
	first.Put(general)
	counting(true)
	var one job.Result
	one.Put(own)
	if one.Raw != nil || one.ImageOf(true).ID != "" {
		t.Errorf("without a general image: %+v", one)
	}
}

// That a clone has booted proves the image that it was launched from, and no general one.
func TestABootedCloneProves(t *testing.T) {
	var j job.Job
	j.Plan.Verify.Boot = true
	j.Image = job.Image{ID: "ami-1", State: "available"}
	state := func() string { return j.ResultOf(job.Broken, time.Time{}).Image.State }
	if got := state(); got != job.Unproven {
		t.Errorf("before the clone has booted: %s", got)
	}
	j.Clone.Booted = time.Now()
	if got := state(); got != "available" {
		t.Errorf("once the clone has booted: %s", got)
	}
	own := j.Image
	j.Raw, j.Image = &own, job.Image{ID: "ami-2", State: "available", General: true}
	if got := state(); got != job.Unproven {
		t.Errorf("the general image that was not tested: %s", got)
	}
	if !j.ResultOf(job.Broken, time.Time{}).Counts("ami-1") {
		t.Error("the source's own does not count")
	}
}
