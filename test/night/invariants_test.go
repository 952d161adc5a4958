package night_test

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/eventbridge"
	"goldsmith/local/query"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/standby"
	"goldsmith/shared/tag"
)

// before is how an instance was when the night began.
type before struct {
	state ec2.State
	tags  map[string]string
}

// begin notes how everything is before the night. Only the first call counts.
func (n *night) begin() {
	n.t.Helper()
	if n.before != nil {
		return
	}
	n.before, n.since = map[string]before{}, time.Now()
	for _, i := range n.instances() {
		id := aws.ToString(i.InstanceId)
		n.before[id] = before{n.EC2.State(id), tag.Map(i.Tags)}
	}
	n.targets = n.Balancers.Targets()
	n.theirs = map[string]bool{}
	for _, s := range n.allSnapshots() {
		if tag.Map(s.Tags)[tag.Managed] == "" {
			n.theirs[aws.ToString(s.SnapshotId)] = true
		}
	}
	n.begun = n.Calls.Len()
}

// invariant is what holds after every night, whatever went wrong in it.
type invariant struct {
	name  string
	holds func(n *night, images []types.Image)
}

// invariants are all that are checked, in this order.
var invariants = []invariant{
	{isBack, func(n *night, _ []types.Image) { n.everythingIsBack() }},
	{inService, func(n *night, _ []types.Image) { n.membersServe() }},
	{unprotected, func(n *night, _ []types.Image) { n.nothingStaysProtected() }},
	{inGroups, func(n *night, _ []types.Image) { n.targetsServe() }},
	{afterRan, func(n *night, _ []types.Image) { n.commandsRan() }},
	{thawsSoon, func(n *night, _ []types.Image) { n.thawsInTime() }},
	{ofFrozen, func(n *night, _ []types.Image) { n.imagesOfFrozen() }},
	{ofCleaned, func(n *night, images []types.Image) { n.rollsWhatWasCleaned(images) }},
	{staysStopped, func(n *night, _ []types.Image) { n.stoppedStaysStopped() }},
	{bounded, func(n *night, _ []types.Image) { n.fewAreDown() }},
	{released, func(n *night, images []types.Image) { n.noClaims(); n.noWaits(images); n.noRequests() }},
	{launches, func(n *night, _ []types.Image) { n.templatesLaunch() }},
	{ended, func(n *night, _ []types.Image) { n.noTests() }},
	{told, func(n *night, _ []types.Image) { n.oneMessageEach() }},
	{enrolled, func(n *night, _ []types.Image) { n.onlyEnrolledAreTouched() }},
	{registered, func(n *night, _ []types.Image) { n.onlyRegisteredIsChanged(); n.theirsStay() }},
	// An image takes ten minutes; what becomes of one whose job is dead is seen by the sweep after them.
	{oneImage, func(n *night, _ []types.Image) { time.Sleep(3 * sweep); n.oneImageEach(n.images()) }},
	{oneCopy, func(n *night, _ []types.Image) { n.oneCopyEach() }},
	{followsHome, func(n *night, _ []types.Image) { n.regionsFollowHome() }},
}

// The invariants' names.
const (
	isBack    = "what ran runs, or people know and recover tries"
	inService = "no member is in Standby longer than the sweep after its run's end, or people know and recover tries"
	// unprotected is of what a person has not protected.
	unprotected = "no member stays protected from scale-in by a run longer than the sweep after its end, or people know " +
		"and recover tries"
	inGroups = "no target stays deregistered longer than the sweep after its run's end, or people know and recover " +
		"tries"
	afterRan     = "what hooks.before was run on has had hooks.after once, after it, or people know and recover tries"
	thawsSoon    = "nothing stays frozen longer than its limit"
	ofFrozen     = "what counts as frozen stood still for its snapshots"
	ofCleaned    = "what a plan with general images rolls or shares is of a clone that was cleaned, and at rest"
	staysStopped = "what was stopped is not started"
	bounded      = "at most concurrency of a plan are down at once"
	oneImage     = "one image for a source and run, recorded or removed"
	oneCopy      = "one copy of an image in a Region, registered, and nothing of one that has failed"
	followsHome  = "what takes a name's images in another Region launches copies of its own, and none that home has undone"
	released     = "no claim, wait or request outlives its run"
	launches     = "no launcher points at an image that is unavailable, undone or of a failed job"
	ended        = "no test instance outlives its run"
	told         = "one message for a run"
	enrolled     = "only what is enrolled is touched"
	registered   = "nothing unregistered was changed or counted"
)

// check holds the night against every invariant, two sweeps after its last run ended.
func (n *night) check() {
	n.t.Helper()
	n.finish()
	time.Sleep(2*sweep + 10*time.Second)
	images := n.images()
	for _, i := range invariants {
		n.checked = i.name
		i.holds(n, images)
	}
	n.checked = ""
	if dead := n.Bus.Records(eventbridge.Dead); len(dead) > 0 && !n.excused.dead {
		n.t.Errorf("%d events could not be handled, the first by %s: %v", len(dead), dead[0].Function, dead[0].Problem)
	}
}

// everythingIsBack: whoever ran and still exists runs, unless people were told
// by name and recover goes on trying.
func (n *night) everythingIsBack() {
	n.t.Helper()
	for id, was := range n.before {
		now := n.EC2.State(id)
		switch {
		case was.state != ec2.Running, now == ec2.Running, now == ec2.Terminated, now == ec2.ShuttingDown,
			n.excused.stopped[id]:
		case !n.heldFor(id) || !n.toldOf(id) || now == ec2.Stopped && !n.tried(id):
			n.t.Errorf("%s ran before the night, is %s now, and nobody knows or tries to start it", id, now)
		}
	}
}

// membersServe: no member of a group is out of service, unless people were told by name and recover goes on trying.
func (n *night) membersServe() {
	n.t.Helper()
	if n.excused.standby {
		return
	}
	out := must(n.scaling().DescribeAutoScalingInstances(n.ctx, &autoscaling.DescribeAutoScalingInstancesInput{}))(n.t)
	for _, m := range out.AutoScalingInstances {
		id := aws.ToString(m.InstanceId)
		if standby.Out(m) && (!n.heldFor(id) || !n.toldOf(id)) {
			n.t.Errorf("%s is in lifecycle state %s of group %s, and nobody knows or tries to bring it back", id,
				aws.ToString(m.LifecycleState), aws.ToString(m.AutoScalingGroupName))
		}
	}
}

// nothingStaysProtected: what a function has protected from scale-in, and no person since, is so no more.
func (n *night) nothingStaysProtected() {
	n.t.Helper()
	out := must(n.scaling().DescribeAutoScalingInstances(n.ctx, &autoscaling.DescribeAutoScalingInstancesInput{}))(n.t)
	for _, m := range out.AutoScalingInstances {
		id := aws.ToString(m.InstanceId)
		calls := n.callsOf("SetInstanceProtection", id)
		ours := len(calls) > 0 && calls[len(calls)-1].Caller != ""
		if aws.ToBool(m.ProtectedFromScaleIn) && ours && (!n.heldFor(id) || !n.toldOf(id)) {
			n.t.Errorf("%s is protected from scale-in by a run that has ended, and nobody knows or tries to take that off", id)
		}
	}
}

// targetsServe: whatever was registered with a target group and runs is so still, unless people were told by name and
// recover goes on trying. Members are their groups' business.
func (n *night) targetsServe() {
	n.t.Helper()
	now := n.Balancers.Targets()
	for _, t := range n.targets {
		switch was := n.before[t.ID]; {
		case slices.Contains(now, t), !n.Balancers.Has(t.Group), n.EC2.State(t.ID) != ec2.Running,
			was.tags["aws:autoscaling:groupName"] != "", n.excused.targets[t.ID]:
		case !n.heldFor(t.ID) || !n.toldOf(t.ID):
			n.t.Errorf("%s was registered with %s and is not, and nobody knows or tries to register it", t.ID, t.Group)
		}
	}
}

// stoppedStaysStopped: whoever was stopped was never started.
func (n *night) stoppedStaysStopped() {
	n.t.Helper()
	for id, was := range n.before {
		now, starts := n.EC2.State(id), len(n.callsOf("StartInstances", id))
		// Goldsmith ends test instances only: onlyRegisteredIsRemoved.
		gone := now == ec2.Terminated || now == ec2.ShuttingDown
		if was.state == ec2.Stopped && (now != ec2.Stopped && !gone || starts > 0) {
			n.t.Errorf("%s was stopped before the night and is %s; %d starts were sent", id, now, starts)
		}
	}
}

// toldOf reports whether people know of an instance, as far as they can be told.
func (n *night) toldOf(id string) bool { return n.excused.slack || strings.Contains(n.said(), id) }

// tried reports whether recover has sent a start within its last sweep, or was denied what it needs to.
func (n *night) tried(id string) bool {
	return n.lasting != nil && n.lasting.tried() ||
		slices.ContainsFunc(n.callsOf("StartInstances", id), func(c query.Record) bool {
			return strings.HasPrefix(c.Caller, "recover/") && time.Since(c.Time) <= sweep+time.Minute
		})
}

func (n *night) heldFor(id string) bool {
	for claim, err := range n.Ledger.Claims(n.ctx) {
		if err == nil && claim.Source == id && claim.WasRunning {
			return true
		}
	}
	return false
}

// oneImageEach: at most one image for a source and run, and nothing of ours
// without our tags, on the image and on each of its snapshots.
func (n *night) oneImageEach(images []types.Image) {
	n.t.Helper()
	of := map[string]string{}
	for _, img := range images {
		id, tags := aws.ToString(img.ImageId), tag.Map(img.Tags)
		n.ours(id, tags)
		key := tags[tag.Source] + " in run " + tags[tag.Run]
		if strings.HasSuffix(aws.ToString(img.Name), "/general") {
			key = "a clone of " + key
		}
		if other := of[key]; other != "" {
			n.t.Errorf("%s and %s are both images of %s", other, id, key)
		}
		of[key] = id
	}
	n.madeOnce()
	for _, s := range n.snapshots() {
		n.ours(aws.ToString(s.SnapshotId), tag.Map(s.Tags))
	}
	n.recordedOrRemoved(images)
}

// recordedOrRemoved: each image is recorded as good once EC2 has made up its mind, and each
// snapshot belongs to an image; or they are gone. What is held for an instance that is down stays.
func (n *night) recordedOrRemoved(images []types.Image) {
	n.t.Helper()
	excused, used := map[string]bool{}, map[string]bool{}
	results := map[string]map[string]job.Result{}
	for _, img := range images {
		tags := tag.Map(img.Tags)
		for _, s := range image.Snapshots(img) {
			used[s] = true
		}
		if image.ProgressOf(img.State) == image.Pending || n.heldFor(tags[tag.Source]) {
			excused[tags[tag.Source]+tags[tag.Run]] = true
			continue
		}
		if run := tags[tag.Run]; results[run] == nil {
			results[run] = n.resultsOf(run)
		}
		n.recorded(img, results[tags[tag.Run]][tags[tag.Source]])
	}
	for _, img := range n.in(homeRegion) {
		for _, s := range image.Snapshots(img) {
			used[s] = true
		}
	}
	n.noOrphans(used, excused)
}

// noOrphans: a snapshot of the night is used by an image, unless its source's image in that run is excused.
func (n *night) noOrphans(used, excused map[string]bool) {
	n.t.Helper()
	if n.excused.copies {
		return
	}
	for _, s := range n.snapshots() {
		id, tags := aws.ToString(s.SnapshotId), tag.Map(s.Tags)
		known := s.StartTime.Before(n.since) || used[id] || excused[tags[tag.Source]+tags[tag.Run]]
		if !known && !n.heldFor(tags[tag.Source]) {
			n.t.Errorf("snapshot %s of %s belongs to no image", id, tags[tag.Source])
		}
	}
}

// cutOffFromRemoving reports whether a sweep that was disturbed has left an image which it was about to remove: it
// stays, since a person may have had it back (recover's hadBack).
func (n *night) cutOffFromRemoving(id string) bool {
	n.t.Helper()
	if !n.excused.sweep {
		return false
	}
	r, _, err := n.Ledger.Registration(n.ctx, id)
	n.ok(err)
	return !r.Going.IsZero() || !r.Anew.IsZero()
}

// recorded: the result of the image's job says that it is good, or that it failed its test: then
// it stays for a day, for a person to look at.
func (n *night) recorded(img types.Image, result job.Result) {
	n.t.Helper()
	if n.excused.lost || n.excused.unrecorded {
		return
	}
	id := aws.ToString(img.ImageId)
	own := result.ImageOf(strings.HasSuffix(aws.ToString(img.Name), "/general"))
	unproven := own.ID == id && own.State == job.Unproven && time.Since(result.At) < 24*time.Hour
	if !result.Counts(id) && !unproven && !n.cutOffFromRemoving(id) {
		n.t.Errorf("%s of %s is %s and was neither recorded as good nor removed: %s %+v %s", id, result.Source, img.State,
			result.Ending, result.Image, result.Problem)
	}
}

// madeOnce: no second image was made for a source and run, not even one that was removed since.
func (n *night) madeOnce() {
	n.t.Helper()
	made := map[string]string{}
	for _, c := range slices.Concat(n.callsOf("CreateImage"), n.callsOf("RegisterImage"), n.callsOf("CopySnapshot")) {
		form, err := query.ParseForm(c.Form)
		n.ok(err)
		for _, id := range c.Resources {
			copied := c.Action == "CopySnapshot" && !n.theirs[id]
			if !strings.HasPrefix(id, "ami-") && !copied {
				continue
			}
			from := form.Text("Description") // it names the source and the run
			if other := made[from]; other != "" {
				n.t.Errorf("%s and %s were both made: %s", other, id, from)
			}
			made[from] = id
		}
	}
}

func (n *night) ours(id string, tags map[string]string) {
	n.t.Helper()
	for _, key := range []string{tag.Managed, tag.Source, tag.Name, tag.Plan, tag.Run} {
		if tags[key] == "" {
			n.t.Errorf("%s has no tag %s: %v", id, key, tags)
		}
	}
	for key := range tags {
		if strings.HasPrefix(key, "aws:") || key == tag.Request || key == tag.LastImage {
			n.t.Errorf("%s has tag %s, which belongs to its source alone", id, key)
		}
	}
}

// noClaims: no claim outlives its run unless its instance is still down, or AWS does not tell whether it is, or whether
// its execution has ended.
func (n *night) noClaims() {
	n.t.Helper()
	if o := n.lasting; o != nil && (o.lasts("DescribeInstances") || o.lasts("DescribeExecution") && len(o.faults) > 1) {
		return
	}
	for claim, err := range n.Ledger.Claims(n.ctx) {
		down := claim.WasRunning && !claim.StopSent.IsZero() && n.EC2.State(claim.Source) != ec2.Running
		if err != nil || !down {
			n.t.Errorf("the claim of %s outlives run %s: %+v %v", claim.Source, claim.Run, claim, err)
		}
	}
}

// noWaits: no wait outlives its run, unless recover is denied what it settles the run's images and claims by.
func (n *night) noWaits(images []types.Image) {
	n.t.Helper()
	if n.excused.lost || n.lasting != nil && n.lasting.tried() {
		return // Without its claim nobody looks for a run's waits; the table forgets them in time.
	}
	for _, id := range n.awaited(images) {
		waits, err := n.Ledger.Waits(n.ctx, id)
		if err != nil || len(waits) > 0 {
			n.t.Errorf("%d waits for %s outlive their runs, the first for %q of run %s; %v", len(waits), id, waits[0].For,
				waits[0].Run, err)
		}
	}
}

// awaited are the resources that runs may have waited for.
func (n *night) awaited(images []types.Image) []string {
	n.t.Helper()
	resources := make([]string, 0, len(n.before)+len(images))
	for id := range n.before {
		resources = append(resources, id)
	}
	for _, img := range images {
		resources = append(resources, aws.ToString(img.ImageId))
	}
	for _, r := range n.runs() {
		for _, result := range n.results(r) {
			for _, refresh := range result.Refreshes {
				resources = append(resources, refresh.ID)
			}
		}
	}
	return resources
}

// noRequests: no request tag outlives its run by more than the sweeps that it takes to see it.
func (n *night) noRequests() {
	n.t.Helper()
	if n.excused.requests {
		return
	}
	for id := range n.asked() {
		if value, there := n.tagsOf(id)[tag.Request]; there {
			n.t.Errorf("%s still carries the request %q", id, value)
		}
	}
}

// oneMessageEach: every run that ended is told once.
func (n *night) oneMessageEach() {
	n.t.Helper()
	if n.excused.slack {
		return
	}
	most := 1
	if n.excused.twice {
		most = 2
	}
	messages := n.messages()
	for _, r := range n.runs() {
		if told := len(telling(messages, r)); told < 1 || told > most {
			n.t.Errorf("run %s is told in %d messages, want one", r.Name, told)
		}
	}
	notices := n.noticesOnce(messages, most)
	if told, runs := len(messages)-notices, len(n.runs()); told > runs+most-1 {
		n.t.Errorf("%d messages tell of %d runs", told, runs)
	}
}

// noticesOnce: what is told beside runs is told once. It gives how many such notices there are.
func (n *night) noticesOnce(messages []string, most int) (notices int) {
	n.t.Helper()
	seen := map[string]int{}
	for _, text := range messages {
		if _, text, _ = strings.Cut(text, "\n"); !strings.Contains(text, "What to know") { // The first line has the time.
			continue
		}
		notices++
		if seen[text]++; seen[text] > most {
			n.t.Errorf("told %d times: %s", seen[text], text)
		}
	}
	return notices
}

// onlyEnrolledAreTouched: nothing is changed that neither a plan's tag nor a request asked for.
func (n *night) onlyEnrolledAreTouched() {
	n.t.Helper()
	asked := n.asked()
	for id, was := range n.before {
		if was.tags[tag.Plan] != "" || was.tags[tag.Request] != "" || asked[id] {
			continue
		}
		if calls := n.changed(id); len(calls) > 0 {
			n.t.Errorf("%s is in no plan and nobody asked, but %s sent %s", id, calls[0].Caller, calls[0].Action)
		}
	}
}

// asked are the resources that people put a plan's tag or a request on during the night.
func (n *night) asked() map[string]bool {
	asked := map[string]bool{}
	for _, c := range n.Calls.Since(n.begun) {
		wanted := strings.Contains(c.Form, "goldsmith%3Aimage") || strings.Contains(c.Form, "goldsmith%3Aplan")
		if c.Caller == "" && c.Action == "CreateTags" && wanted {
			for _, id := range c.Resources {
				asked[id] = true
			}
		}
	}
	return asked
}
