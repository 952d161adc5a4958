package usage

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
)

const (
	// Depth is how many versions of a launch template a usage report looks at: as many as there may be.
	Depth = depth
	// reportsNamed is how many images or reports one describe takes (API reference, DescribeImageUsageReports).
	reportsNamed = 200
	// instanceLag is how much of the time before it a report may leave out of what is launched (User Guide, "View your AMI
	// usage").
	instanceLag = 24 * time.Hour
)

// gave reports whether Goldsmith has given a permission.
func (s *search) gave(image string, p types.LaunchPermission) bool {
	with := s.shared[image].With
	return p.UserId != nil && slices.Contains(with.Accounts, *p.UserId) ||
		p.OrganizationArn != nil && slices.Contains(with.Organizations, *p.OrganizationArn) ||
		p.OrganizationalUnitArn != nil && slices.Contains(with.Organizations, *p.OrganizationalUnitArn)
}

// reports are what other accounts do with what Goldsmith shares with them: EC2 says so in a report, which is made when
// it is asked for. Until one is there nothing is known.
func (g Finder) reports(ctx context.Context, s *search) error {
	shared := slices.DeleteFunc(slices.Sorted(maps.Keys(s.shared)), func(id string) bool {
		of := s.shared[id]
		return len(s.uses[id]) > 0 || !of.Asked || !s.own[id] && !of.Ended
	})
	newest, err := g.newestReports(ctx, s, shared)
	if err != nil {
		return err
	}
	s.unsure = map[string]string{}
	launched := s.lastLaunches()
	var ready, images []string
	for _, id := range shared {
		r, there := newest[id]
		switch {
		case len(s.uses[id]) > 0:
		case !there || !counts(r, s.shared[id], launched[id]):
			s.ask, s.unsure[id] = append(s.ask, id), unsure
		case aws.ToString(r.State) != "available":
			s.unsure[id] = unsure
		default:
			ready, images = append(ready, aws.ToString(r.ReportId)), append(images, id)
		}
	}
	return g.entries(ctx, s, images, ready)
}

// counts reports whether a report says who uses the image, and is not one that could not be made. While others can
// launch the image it says so as long as nothing was launched since: LastLaunchedTime shows what it leaves out, a day
// late itself.
func counts(r types.ImageUsageReport, shared Shared, launched time.Time) bool {
	made := aws.ToTime(r.CreationTime)
	return !made.Before(shared.From) && aws.ToString(r.State) != "error" &&
		(shared.Ended || launched.Before(made.Add(-instanceLag)))
}

// lastLaunches are when the images were last launched by anyone, as EC2 shows it. What cannot be read is a use.
func (s *search) lastLaunches() map[string]time.Time {
	all := map[string]time.Time{}
	for _, i := range s.images {
		if at, err := time.Parse(time.RFC3339, aws.ToString(i.LastLaunchedTime)); err == nil {
			all[aws.ToString(i.ImageId)] = at
		}
	}
	return all
}

// newestReports are the newest whole reports, by image.
func (g Finder) newestReports(ctx context.Context, s *search, images []string) (map[string]types.ImageUsageReport,
	error) {
	newest := map[string]types.ImageUsageReport{}
	for ids := range slices.Chunk(images, reportsNamed) {
		pages := ec2.NewDescribeImageUsageReportsPaginator(g.EC2, &ec2.DescribeImageUsageReportsInput{ImageIds: ids})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if unread(s, ids, err) {
				break
			}
			if err != nil {
				return nil, err
			}
			for _, r := range out.ImageUsageReports {
				id := aws.ToString(r.ImageId)
				if wholeReport(r) && !aws.ToTime(newest[id].CreationTime).After(aws.ToTime(r.CreationTime)) {
					newest[id] = r
				}
			}
		}
	}
	return newest, nil
}

// unsure is why an image that is shared does not go yet.
const unsure = "whether the accounts that it is shared with use it is being found out: EC2 makes a usage report"

// unread keeps the images of which EC2 does not let the caller read reports.
func unread(s *search, ids []string, err error) bool {
	if !fault.IsDenied(err) {
		return false
	}
	for _, id := range ids {
		s.add(id, "usage report", "whether the accounts that it is shared with use it cannot be read: "+fault.Code(err))
	}
	return true
}

// wholeReport reports whether a report is about all accounts, instances and all versions of launch templates.
func wholeReport(r types.ImageUsageReport) bool {
	has := func(kind string, enough func(types.ImageUsageResourceType) bool) bool {
		return slices.ContainsFunc(r.ResourceTypes, func(t types.ImageUsageResourceType) bool {
			return aws.ToString(t.ResourceType) == kind && enough(t)
		})
	}
	return len(r.AccountIds) == 0 &&
		has("ec2:Instance", func(types.ImageUsageResourceType) bool { return true }) &&
		has("ec2:LaunchTemplate", func(t types.ImageUsageResourceType) bool {
			return slices.ContainsFunc(t.ResourceTypeOptions, func(o types.ImageUsageResourceTypeOption) bool {
				return aws.ToString(o.OptionName) == "version-depth" && slices.Contains(o.OptionValues, Depth)
			})
		})
}

// entries are the uses in reports. The account's own are found by the other looks.
func (g Finder) entries(ctx context.Context, s *search, images, reports []string) error {
	owners := map[string]string{}
	for _, i := range s.images {
		owners[aws.ToString(i.ImageId)] = aws.ToString(i.OwnerId)
	}
	for ids := range slices.Chunk(reports, reportsNamed) {
		pages := ec2.NewDescribeImageUsageReportEntriesPaginator(g.EC2,
			&ec2.DescribeImageUsageReportEntriesInput{ReportIds: ids})
		for pages.HasMorePages() {
			out, err := pages.NextPage(ctx)
			if unread(s, images, err) {
				break
			}
			if err != nil {
				return err
			}
			for _, e := range out.ImageUsageReportEntries {
				image, account := aws.ToString(e.ImageId), aws.ToString(e.AccountId)
				if account == owners[image] {
					continue
				}
				what := "instances"
				if aws.ToString(e.ResourceType) == "ec2:LaunchTemplate" {
					what = "launch templates"
				}
				s.add(image, account+" "+what, fmt.Sprintf("account %s (%s: %d)", account, what, aws.ToInt64(e.UsageCount)))
			}
		}
	}
	return nil
}
