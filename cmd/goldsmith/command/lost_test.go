package command_test

import (
	"testing"
	"time"

	"goldsmith/local/disks"
	"goldsmith/local/ec2"
	"goldsmith/shared/tag"
)

// Snapshots of instances that are gone, with what can be made of the newest of each volume; no other.
func TestLost(t *testing.T) {
	play(t, func(s *scene) {
		web, other := s.launch("web"), s.launch("other")
		settings := map[string]string{"Name": "web", tag.ImageSettings: "rootDeviceName=/dev/xvda enaSupport=true"}
		for range 2 {
			s.must(s.suite.EC2.SetTags(s.snapshotOf(web), settings))
		}
		s.must(s.suite.EC2.SetTags(s.snapshotOf(other), map[string]string{"Name": "web"})) // Its instance is there.
		data := func() (*disks.Disk, error) { return disks.GPT(1, disks.Part{MiB: 900, Fill: disks.EXT4}) }
		s.must(s.suite.EC2.SetTags(s.upload("", data), map[string]string{"Name": "web"}))
		s.must(s.suite.EC2.SetTags(s.upload("", data), map[string]string{"Name": "mail"}))
		s.must(s.suite.EC2.SetState(web, ec2.Terminated))
		time.Sleep(24 * time.Hour)
		s.golden("images-lost", s.types("images", "--name", "web", "--lost"), 0)
		s.golden("images-lost-json", s.types("images", "--name", "web", "--lost", "-o", "json"), 0)
		s.golden("images-lost-none", s.types("images", "--name", "nobody", "--lost"), 0)
	})
}
