package command

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/restore"
)

// server is what a source was when its newest image was begun, for who has to restore it.
type server struct {
	Of    string `json:"of"`
	Image string `json:"image"`
	// Was is nil where nothing is kept of it.
	Was *job.Server `json:"was,omitempty"`
	// Lacks are what it had and what there is no more; Unseen is whether that could not be looked at.
	Lacks  []string `json:"lacks,omitempty"`
	Unseen bool     `json:"unseen,omitempty"`
}

// servers are those of the newest images of the suite's own Region, one of each source, and what could not be looked
// at.
func servers(
	ctx context.Context, at aws.Config, known made, images []goldenImage,
) (all []server, note string, err error) {
	client := ec2.NewFromConfig(at)
	seen := map[string]bool{}
	for _, i := range images { // of each source the newest first; of what is restored that is its own
		if i.Region != at.Region || i.Unregistered || i.General || seen[i.Source] {
			continue
		}
		seen[i.Source] = true
		s := server{Of: i.Of, Image: i.ID, Was: known[i.ID].Server}
		if s.Was != nil {
			s.Lacks, err = restore.Lacks(ctx, client, *s.Was)
			switch {
			case slices.Contains(denied, fault.Code(err)):
				s.Unseen = true
				note = "What of a server is not there any more is left out: " + fault.Brief(err)
			case err != nil:
				return nil, "", wrap("looking for what a restore of "+i.Of+" needs", err)
			}
		}
		all = append(all, s)
	}
	return all, note, nil
}

func (s server) print(p *page) {
	p.line("")
	if s.Was == nil {
		p.fold("    ", "  %s, %s: what it was beside its disks is not kept: the image is of a snapshot, adopted, or of a "+
			"version that did not keep it", s.Of, s.Image)
		return
	}
	p.fold("    ", "  %s, when %s was begun: %s", s.Of, s.Image, strings.Join(described(*s.Was), ", "))
	switch {
	case s.Unseen:
		p.fold("    ", "    these credentials may not look whether that is all still there")
	case len(s.Lacks) > 0:
		p.fold("    ", "    %s %s", p.in(red, "not there any more:"), strings.Join(s.Lacks, ", "))
	default:
		p.fold("    ", "    its type, subnets, security groups and key pair are all there")
	}
	p.fold("    ", "    not looked at: %s; not kept: user data", restore.Unseen)
}

// described says what a server is.
func described(s job.Server) (all []string) {
	add := func(what, value string) {
		if value != "" {
			all = append(all, what+value)
		}
	}
	add("", s.Type)
	if s.Spot {
		add("", "Spot")
	}
	add("in ", s.Zone)
	add("tenancy ", s.Tenancy)
	add("host ", s.Host)
	add("placement group ", s.Placement)
	add("profile ", s.Profile[strings.LastIndex(s.Profile, "/")+1:])
	add("key pair ", s.Key)
	if s.Optimized {
		add("", "EBS-optimized")
	}
	if s.Monitored {
		add("", "with detailed monitoring")
	}
	add("metadata tokens ", s.Metadata.Tokens)
	for _, i := range s.Interfaces {
		says := fmt.Sprintf("interface %d in %s: %s", i.Device, i.Subnet, strings.Join(slices.Concat(i.Private, i.V6), " "))
		for _, private := range slices.Sorted(maps.Keys(i.Elastic)) {
			says += fmt.Sprintf(", Elastic address %s of %s", i.Elastic[private], private)
		}
		all = append(all, says+", groups "+strings.Join(i.Groups, " "))
	}
	if s.More > 0 {
		all = append(all, fmt.Sprintf("%d more of its addresses", s.More))
	}
	return all
}
