package usage

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// search is what has been found so far.
type search struct {
	images []types.Image
	ids    []string
	uses   map[string][]use
	old    map[string][]string
	// read are the templates whose default and latest versions have been seen.
	read map[string]bool
	// subjects are what goes with a snapshot, by its id: the images that hold it, or the snapshot itself.
	subjects map[string][]string
	// pins are the numbered template versions that are launched.
	pins Pins
	// groupsOf are the names of the groups that launch from a template, titles those of the templates, by id.
	groupsOf map[templateOf][]string
	titles   map[string]string
	// shared is whom Goldsmith has shared the images with; own are those of which that is the case still.
	shared map[string]Shared
	own    map[string]bool
	// unsure and ask are as in Found.
	unsure map[string]string
	ask    []string
	// named are what templates and groups launch: an image id, or an alias not yet resolved.
	named []mention
}

// use is one reason; the resource keeps one thing from being told twice.
type use struct{ resource, why string }

// mention is an ImageId as a template or a group has it.
type mention struct {
	image string
	use
}

func newSearch(images []types.Image) *search {
	s := &search{
		images: images, uses: map[string][]use{}, old: map[string][]string{}, read: map[string]bool{},
		subjects: map[string][]string{}, pins: Pins{}, own: map[string]bool{},
		groupsOf: map[templateOf][]string{}, titles: map[string]string{},
	}
	for _, i := range images {
		id := aws.ToString(i.ImageId)
		s.ids = append(s.ids, id)
		for _, m := range i.BlockDeviceMappings {
			if m.Ebs != nil && m.Ebs.SnapshotId != nil {
				s.subjects[*m.Ebs.SnapshotId] = append(s.subjects[*m.Ebs.SnapshotId], id)
			}
		}
	}
	return s
}

// add notes a use of an image, if it is one of those asked for.
func (s *search) add(image, resource, why string) {
	same := func(u use) bool { return u.resource == resource }
	if slices.Contains(s.ids, image) && !slices.ContainsFunc(s.uses[image], same) {
		s.uses[image] = append(s.uses[image], use{resource, why})
	}
}

func (s *search) found() Found {
	f := Found{Uses: map[string][]string{}, Old: s.old, Unsure: s.unsure, Ask: s.ask}
	for image, uses := range s.uses {
		for _, u := range uses {
			f.Uses[image] = append(f.Uses[image], u.why)
		}
	}
	return f
}
