package ebs

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"

	"goldsmith/local/disks"
	"goldsmith/local/ec2"
)

// block is 512 KiB with its checksum.
type block struct {
	data []byte
	sum  [sha256.Size]byte
}

func newBlock(data []byte) block { return block{data, sha256.Sum256(data)} }

// Checksum is what the EBS direct APIs want of a block's data: its SHA-256 digest in base64.
func Checksum(data []byte) string { return newBlock(data).checksum() }

func (b block) checksum() string { return base64.StdEncoding.EncodeToString(b.sum[:]) }

// content is what was written of a disk, by block index.
type content map[int64]block

func (c content) indexes() []int64 { return slices.Sorted(maps.Keys(c)) }

var (
	snapshotID = regexp.MustCompile(`^snap-[0-9a-f]+$`)
	number     = regexp.MustCompile(`^[0-9]{1,9}$`)
)

// snapshot finds the snapshot that a call names and may use.
func (s *Service) snapshot(id string) (ec2.DirectSnapshot, error) {
	if !snapshotID.MatchString(id) || len(id) > 64 {
		return ec2.DirectSnapshot{}, invalid("INVALID_SNAPSHOT_ID", "The snapshot ID %q is malformed.", id)
	}
	found, ok := s.options.EC2.Direct(id)
	switch {
	case !ok:
		return found, &Error{http.StatusNotFound, "ResourceNotFoundException", "SNAPSHOT_NOT_FOUND", "The snapshot '" + id +
			"' does not exist."}
	// Public ones cannot be read either (EBS User Guide, EBS direct APIs concepts).
	case found.Owner != s.options.EC2.Account():
		return found, denied("UNAUTHORIZED_ACCOUNT", "You are not authorized to use the snapshot '"+id+"'.")
	}
	return found, s.usable(found.KMSKey)
}

// usable: reading and writing an encrypted snapshot takes permissions on its key (EBS User Guide, ebsapi-permissions).
func (s *Service) usable(key string) error {
	if s.denied[key] {
		return denied("DEPENDENCY_ACCESS_DENIED", "You do not have permission to use the KMS key of the snapshot.")
	}
	return nil
}

// blocks are all blocks of a snapshot: its own over those of the snapshot that it was taken on top of.
func (s *Service) blocks(of ec2.DirectSnapshot) (content, error) {
	layers := []content{}
	for id := of.ID; id != ""; {
		if base, err := s.base(id); base != nil || err != nil {
			if err != nil {
				return nil, err
			}
			layers = append(layers, base)
			break
		}
		layers = append(layers, s.disks[id])
		found, ok := s.options.EC2.DirectAnywhere(id)
		if !ok {
			break // A deleted snapshot's blocks are kept for those on top of it, and what it lay on is not known any more.
		}
		id = found.Parent
	}
	all := content{}
	for _, layer := range slices.Backward(layers) {
		maps.Copy(all, layer)
	}
	return all, nil
}

// base is the disk of a public image.
func (s *Service) base(id string) (content, error) {
	make, ok := bases[id]
	if !ok {
		return nil, nil
	}
	if s.disks[id] == nil {
		found, _ := s.options.EC2.Direct(id)
		d, err := make(int64(found.GiB))
		if err != nil {
			return nil, err
		}
		s.disks[id] = contentOf(d)
	}
	return s.disks[id], nil
}

// bases lay out the root disks of the public images, by their snapshots.
var bases = map[string]func(gib int64) (*disks.Disk, error){
	"snap" + ec2.ImageX86[len("ami"):]:     disks.Linux,
	"snap" + ec2.ImageARM[len("ami"):]:     disks.LinuxARM,
	"snap" + ec2.ImageWindows[len("ami"):]: disks.Windows,
}

func contentOf(d *disks.Disk) content {
	all := content{}
	for _, n := range d.Indexes() {
		all[n] = newBlock(d.Block(n))
	}
	return all
}

// index reads a block index within a snapshot.
func index(text string, of ec2.DirectSnapshot) (int64, error) {
	if !number.MatchString(text) {
		return 0, invalid("INVALID_BLOCK", "The block index %q is malformed.", text)
	}
	n, _ := strconv.ParseInt(text, 10, 64)
	if n >= int64(of.GiB)*disks.GiB/disks.BlockSize {
		return 0, invalid("INVALID_BLOCK", "The block index %d is beyond the end of the snapshot.", n)
	}
	return n, nil
}
