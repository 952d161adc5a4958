package attribute_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"pgregory.net/rapid"

	"goldsmith/local/clock"
	"goldsmith/local/ec2"
	"goldsmith/local/query"
	"goldsmith/shared/attribute"
	"goldsmith/shared/disk"
	"goldsmith/shared/tag"
)

// Whatever the evidence is, what is decided has a source, agrees with the disk, and is taken by EC2.
func TestWhatIsDecidedIsRegistered(t *testing.T) {
	w := newWorld(t)
	world := ec2.New(ec2.Options{Clock: clock.Scaled(time.Now(), 1000), Seed: 1})
	cloud := sdk.NewFromConfig(aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String("http://aws.local"), HTTPClient: query.Client(world),
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})
	images := 0
	rapid.Check(t, func(t *rapid.T) {
		e := drawn(t, w)
		e.Snapshot.SnapshotId = aws.String("snap" + ec2.ImageX86[len("ami"):])
		d := attribute.Decide(e)
		if d.Refused != nil {
			if d.Refused.Text == "" || d.Refused.Do == "" {
				t.Fatalf("refused without a word: %+v", d.Refused)
			}
			return
		}
		agrees(t, e, d)
		images++
		if _, err := cloud.RegisterImage(t.Context(), d.Input(fmt.Sprintf("image-%d", images))); err != nil {
			t.Fatalf("%v\n%+v", err, d)
		}
	})
}

// agrees fails the test unless all that is decided has a source, and the disk, where it was read, starts so.
func agrees(t *rapid.T, e attribute.Evidence, d attribute.Decision) {
	sourced(t, d)
	if e.Disk != nil {
		starts(t, e.Disk, d)
	}
}

// sourced fails the test for an attribute without a value or a source, and where one that every image has is missing.
func sourced(t *rapid.T, d attribute.Decision) {
	for _, a := range d.Attributes {
		if a.Value == "" || a.Source == "" {
			t.Fatalf("%+v", a)
		}
	}
	for _, k := range []attribute.Key{attribute.Architecture, attribute.BootMode, attribute.RootDeviceName,
		attribute.ENA} {
		if d.Value(k) == "" {
			t.Fatalf("%s is guessed", k)
		}
	}
}

// starts fails the test unless the disk, as it was read or else as it is believed to be, starts on the architecture
// and in the boot mode that are decided.
func starts(t *rapid.T, read *disk.Disk, d attribute.Decision) {
	boots := read.Boots()
	if boots == nil {
		boots = read.Believed().Boots()
	}
	modes := boots.Modes[types.ArchitectureValues(d.Value(attribute.Architecture))]
	if len(modes) == 0 {
		t.Fatalf("%s does not start from %v", d.Value(attribute.Architecture), read)
	}
	if mode := d.Value(attribute.BootMode); mode != "none" &&
		!strings.Contains(strings.Join(texts(modes), " ")+" ", mode+" ") {
		t.Fatalf("boot mode %s of %v", mode, read)
	}
}

func texts(modes []types.BootModeValues) (all []string) {
	for _, m := range modes {
		all = append(all, string(m))
	}
	return all
}

func drawn(t *rapid.T, w world) attribute.Evidence {
	e := attribute.Evidence{Snapshot: snapshot()}
	e.Disk = rapid.SampledFrom([]*disk.Disk{nil, w.both, w.arm, w.uefi, w.bios, w.windows, w.data, w.vendor,
		w.twoArchitectures, w.former, w.leftLoader, w.alone}).Draw(t, "disk")
	if e.Disk == nil {
		e.Unread = "AccessDeniedException"
	}
	mode := func(name string) types.BootModeValues {
		return rapid.SampledFrom([]types.BootModeValues{"", "legacy-bios", "uefi", "uefi-preferred"}).Draw(t, name)
	}
	architecture := func(name string) types.ArchitectureValues {
		return rapid.SampledFrom([]types.ArchitectureValues{"x86_64", "x86_64", "arm64", "i386"}).Draw(t, name)
	}
	for range rapid.IntRange(0, 2).Draw(t, "images") {
		e.Images = append(e.Images, ami(func(i *attribute.Image) {
			i.BootMode, i.Architecture = mode("image's mode"), architecture("image's architecture")
			i.TpmSupport = rapid.SampledFrom([]types.TpmSupportValues{"", "v2.0"}).Draw(t, "image's TPM")
			i.VirtualizationType = rapid.SampledFrom([]types.VirtualizationType{"hvm", "hvm", "hvm", "paravirtual"}).Draw(t,
				"virtualization")
			i.UEFIData = rapid.SampledFrom([]string{"", "QU1aTlVFRkk="}).Draw(t, "UEFI data")
			i.BlockDeviceMappings[0].Ebs.VolumeType = rapid.SampledFrom(types.VolumeType("").Values()).Draw(t,
				"image's volume type")
		}))
	}
	if rapid.Bool().Draw(t, "instance") {
		e.Instance = instance(rapid.Bool().Draw(t, "root"), func(i *attribute.Instance) {
			i.BootMode, i.Architecture = mode("instance's mode"), architecture("instance's architecture")
		})
	}
	if rapid.Bool().Draw(t, "volume") {
		e.Volume = drawnVolume(t)
	}
	for n := range rapid.IntRange(0, 2).Draw(t, "data volumes") {
		e.Data = append(e.Data, drawnData(t, n))
	}
	words := rapid.SliceOfN(rapid.SampledFrom([]string{
		"architecture=x86_64", "architecture=arm64", "bootMode=uefi", "bootMode=legacy-bios", "bootMode=uefi-preferred",
		"bootMode=none",
		"rootDeviceName=/dev/xvda", "rootDeviceName=/dev/sda1", "enaSupport=true", "enaSupport=false", "tpmSupport=v2.0",
		"tpmSupport=none",
		"imdsSupport=v2.0", "sriovNetSupport=none", "volumeType=gp3", "volumeType=io2", "volumeType=gp2", "iops=4000",
		"throughput=300",
		"volumeType=io1", "volumeType=st1", "volumeType=sc1", "volumeType=standard", "iops=100", "iops=9000", "iops=80000",
		"throughput=125", "throughput=1500", "volumeSize=2000", "volumeSize=70000", "volumeSize=17000",
		"volumeSize=20", "volumeSize=1", "deleteOnTermination=false", "kernelId=x",
	}), 0, 6).Draw(t, "settings")
	if len(words) > 0 {
		e.Settings = settings(strings.Join(words, " "))
	}
	return e
}

// drawnVolume is one that EC2 may have, of a size that is not the snapshot's.
func drawnVolume(t *rapid.T) *types.Volume {
	return &types.Volume{
		VolumeId:   aws.String("vol-1"),
		VolumeType: rapid.SampledFrom(types.VolumeType("").Values()).Draw(t, "volume's type"),
		Iops:       aws.Int32(rapid.Int32Range(0, 256000).Draw(t, "volume's IOPS")),
		Throughput: aws.Int32(rapid.Int32Range(0, 2000).Draw(t, "volume's throughput")),
	}
}

// drawnData is a data volume whose snapshot is the one that the embedded EC2 has.
func drawnData(t *rapid.T, n int) attribute.Data {
	d := attribute.Data{Device: fmt.Sprintf("/dev/sd%c", 'f'+n), Source: "its tag", Snapshot: snapshot()}
	d.Snapshot.SnapshotId = aws.String("snap" + ec2.ImageX86[len("ami"):])
	d.Snapshot.Tags = tag.List(map[string]string{tag.Device: d.Device})
	if rapid.Bool().Draw(t, "its volume is there") {
		d.Volume = drawnVolume(t)
	}
	return d
}
