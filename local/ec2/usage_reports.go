package ec2

import (
	"slices"
	"strconv"
	"time"

	"goldsmith/local/query"
)

// usageReport is what EC2 found of other accounts' use of an image. Its state follows from the time since it was asked
// for (EC2 User Guide, "View your AMI usage").
type usageReport struct {
	id, image string
	created   time.Time
	accounts  []string
	kinds     []reportKind
	entries   []usageEntry
}

type reportKind struct {
	name  string
	depth int
}

type usageEntry struct {
	account, kind string
	count         int
}

// The page says that a report takes no activity of the last 24 hours of instances, and none of the last few days of
// launch templates; that it is gone after 30 days, and looks at 20 versions unless it is told.
const (
	reporting     = 10 * time.Minute
	instanceLag   = 24 * time.Hour
	templateLag   = 72 * time.Hour
	reportAge     = 30 * 24 * time.Hour
	reportDepth   = 20
	maxReportDeep = 10_000
)

func (r *usageReport) state(now time.Time) string {
	if now.Before(r.created.Add(reporting)) {
		return "pending"
	}
	return "available"
}

// use is another account's use of an image, from a moment on.
type use struct {
	image, account, kind string
	since                time.Time
}

// UseBy has another account use an image from now on: by a launch, or by a launch template.
func (w *World) UseBy(c Consumer, id string, template bool) error {
	if err := w.LaunchBy(c, id); err != nil {
		return err
	}
	w.lock()
	defer w.unlock()
	kind := "ec2:LaunchTemplate"
	if !template {
		kind = "ec2:Instance"
		w.images.change(w.now, id, func(img *image) { img.launched = w.now })
	}
	w.uses = append(w.uses, use{id, c.Account, kind, w.now})
	return nil
}

func createImageUsageReport(w *World, call *query.Call) error {
	if id, again, err := w.answered(call); again || err != nil {
		call.Out.Optional("reportId", id)
		return err
	}
	p := call.Params
	img, err := w.ownImage(p)
	if err != nil {
		return err
	}
	kinds, err := reportKinds(p)
	if err != nil {
		return err
	}
	accounts := p.Texts("AccountId")
	if err := call.Commit(); err != nil {
		return err
	}
	r := &usageReport{id: w.newID("amiur", img.id), image: img.id, created: w.now, accounts: accounts, kinds: kinds}
	for _, kind := range kinds {
		r.entries = append(r.entries, w.usesOf(img.id, kind.name, r.accounts)...)
	}
	w.reports.add(w.now, r.id, r)
	w.remember(call, r.id)
	call.Out.Text("reportId", r.id)
	return nil
}

func reportKinds(p *query.Params) (kinds []reportKind, err error) {
	for _, each := range p.List("ResourceType") {
		kind := reportKind{each.Text("ResourceType"), reportDepth}
		if kind.name != "ec2:Instance" && kind.name != "ec2:LaunchTemplate" {
			return nil, query.Errorf("InvalidParameterValue", "Invalid value '%s' for resourceType.", kind.name)
		}
		for _, option := range each.List("ResourceTypeOption") {
			if kind.depth, err = reportedDepth(kind.name, option); err != nil {
				return nil, err
			}
		}
		kinds = append(kinds, kind)
	}
	if len(kinds) == 0 {
		return nil, missing("ResourceType")
	}
	return kinds, nil
}

func reportedDepth(kind string, option *query.Params) (int, error) {
	values := append(option.Texts("OptionValue"), "")
	n, err := strconv.Atoi(values[0])
	if option.Text("OptionName") != "version-depth" || kind == "ec2:Instance" || err != nil || n < 1 || n > maxReportDeep {
		return 0, query.Errorf("InvalidParameterValue", "Invalid option %s of %s.", option.Text("OptionName"), kind)
	}
	return n, nil
}

func (w *World) usesOf(image, kind string, accounts []string) (entries []usageEntry) {
	lag := instanceLag
	if kind == "ec2:LaunchTemplate" {
		lag = templateLag
	}
	for _, u := range w.uses {
		if u.image != image || u.kind != kind || w.now.Before(u.since.Add(lag)) ||
			len(accounts) > 0 && !slices.Contains(accounts, u.account) {
			continue
		}
		same := func(e usageEntry) bool { return e.account == u.account }
		if at := slices.IndexFunc(entries, same); at >= 0 {
			entries[at].count++
			continue
		}
		entries = append(entries, usageEntry{u.account, kind, 1})
	}
	return entries
}

// kept are the reports that EC2 has not deleted yet, of these images and with these ids.
func (w *World) kept(p *query.Params) (found []*usageReport) {
	images, ids := p.Texts("ImageId"), p.Texts("ReportId")
	for _, r := range w.reports.present {
		if (len(images) == 0 || slices.Contains(images, r.image)) && (len(ids) == 0 || slices.Contains(ids, r.id)) &&
			w.now.Before(r.created.Add(reportAge)) {
			found = append(found, r)
		}
	}
	return found
}

// maxReportsNamed is how many images or reports a describe takes (API reference, DescribeImageUsageReports).
const maxReportsNamed = 200

// reportFilters are those of (API reference, DescribeImageUsageReports).
func (w *World) reportFilters() filterable[usageReport] {
	return filterable[usageReport]{
		"creation-time": moments(func(r *usageReport) time.Time { return r.created }),
		"state":         one(func(r *usageReport) string { return r.state(w.now) }),
	}
}

func describeImageUsageReports(w *World, call *query.Call) error {
	p, page := call.Params, newStore[usageReport](0)
	if len(p.Texts("ImageId")) > maxReportsNamed || len(p.Texts("ReportId")) > maxReportsNamed {
		return query.Errorf("InvalidParameterValue", "The maximum number of ids is %d.", maxReportsNamed)
	}
	for _, r := range w.kept(p) {
		page.add(w.asOf, r.id, r)
	}
	found, next, err := list(w, call, listing[usageReport]{
		store: page, filters: w.reportFilters(), min: 1, max: 1000, page: 1000, ids: "-",
	})
	if err != nil {
		return err
	}
	out := call.Out
	query.Items(out, "imageUsageReportSet", found, func(r *usageReport) {
		out.Text("reportId", r.id)
		out.Text("imageId", r.image)
		out.Text("state", r.state(w.now))
		out.Time("creationTime", r.created)
		out.Time("expirationTime", r.created.Add(reportAge))
		out.Texts("accountIdSet", r.accounts)
		query.Items(out, "resourceTypeSet", r.kinds, func(k reportKind) {
			out.Text("resourceType", k.name)
			if k.name == "ec2:LaunchTemplate" {
				query.Items(out, "resourceTypeOptionSet", []int{k.depth}, func(n int) {
					out.Text("optionName", "version-depth")
					out.Texts("optionValueSet", []string{strconv.Itoa(n)})
				})
			}
		})
	})
	out.Optional("nextToken", next)
	return nil
}

// reportEntry is an entry and its report.
type reportEntry struct {
	*usageReport
	usageEntry
}

// entryFilters are those of (API reference, DescribeImageUsageReportEntries).
var entryFilters = filterable[reportEntry]{
	"account-id":    one(func(e *reportEntry) string { return e.account }),
	"creation-time": moments(func(e *reportEntry) time.Time { return e.created }),
	"resource-type": one(func(e *reportEntry) string { return e.kind }),
}

func describeImageUsageReportEntries(w *World, call *query.Call) error {
	page := newStore[reportEntry](0)
	for _, r := range w.kept(call.Params) {
		if r.state(w.now) != "available" {
			continue
		}
		for _, e := range r.entries {
			page.add(w.asOf, r.id+e.account+e.kind, &reportEntry{r, e})
		}
	}
	found, next, err := list(w, call, listing[reportEntry]{
		store: page, filters: entryFilters, min: 1, max: 1000, page: 1000, ids: "-",
	})
	if err != nil {
		return err
	}
	out := call.Out
	query.Items(out, "imageUsageReportEntrySet", found, func(e *reportEntry) {
		out.Text("reportId", e.id)
		out.Text("imageId", e.image)
		out.Text("accountId", e.account)
		out.Text("resourceType", e.kind)
		out.Int("usageCount", e.count)
		out.Time("reportCreationTime", e.created)
	})
	out.Optional("nextToken", next)
	return nil
}
