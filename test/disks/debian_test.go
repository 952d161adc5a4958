// Package disks_test lays disks out with Debian's own tools, sends them to the embedded AWS as people
// do, and holds what goldsmith plan says of them.
package disks_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	direct "github.com/aws/aws-sdk-go-v2/service/ebs"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/cmd/goldsmith/command"
	"goldsmith/local/clock"
	"goldsmith/local/disks"
	"goldsmith/local/ebs"
	"goldsmith/local/stack"
	"goldsmith/shared/disk"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// bench is a directory to make disks in, and an embedded AWS on a socket, whose time runs fast.
type bench struct {
	*testing.T
	dir   string
	suite *stack.Stack
	url   string
}

// tools are what the layouts take, by the Debian package that has them; .ci/run installs them.
var tools = map[string]string{"sfdisk": "fdisk", "mkfs.vfat": "dosfstools", "mmd": "mtools", "mcopy": "mtools",
	"mkfs.ext4": "e2fsprogs",
	"mkfs.xfs":  "xfsprogs"}

// tool finds a program, in /usr/sbin too, which is not on everybody's PATH.
func tool(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/" + name)
}

// open is nil when a tool is missing, which CI does not accept.
func open(t *testing.T) *bench {
	t.Helper()
	for name, pack := range tools {
		if _, err := tool(name); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed; CI needs it to lay disks out (apt-get install %s)", name, pack)
		}
		t.Logf("NOT RUN: %s is not installed, so disks of Debian's tools are not read (apt-get install %s)", name, pack)
		return nil
	}
	b := &bench{T: t, dir: t.TempDir()}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.suite.ServeHTTP(w,
			r)
	}))
	b.url = server.URL
	s, err := stack.New(stack.Options{Clock: clock.Scaled(time.Now(), 600), Plans: plan.Plans{}, Seed: 1,
		Endpoint: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	b.suite = s
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	return b
}

func (b *bench) run(input, name string, args ...string) {
	b.Helper()
	path, err := tool(name)
	if err != nil {
		b.Fatal(err)
	}
	c := exec.CommandContext(b.Context(), path, args...)
	c.Stdin, c.Env = strings.NewReader(input), append(os.Environ(), "MTOOLS_SKIP_CHECK=1")
	if out, err := c.CombinedOutput(); err != nil {
		b.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// disk is an empty disk of 1 GiB, partitioned by a script of sfdisk's; none leaves it as it is.
func (b *bench) disk(script string) string {
	b.Helper()
	path := filepath.Join(b.dir, "disk")
	b.must(os.WriteFile(path, nil, 0o600))
	b.must(os.Truncate(path, disks.GiB))
	if script != "" {
		b.run(script, "sfdisk", "--quiet", path)
	}
	return path
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// file is an empty file of so many KiB, in which a file system is made before it goes onto a disk.
func (b *bench) file(kib int64) string {
	b.Helper()
	path := filepath.Join(b.dir, "part")
	b.must(os.WriteFile(path, nil, 0o600))
	b.must(os.Truncate(path, kib<<10))
	return path
}

// place copies a file onto a disk, at a MiB.
func (b *bench) place(path, onto string, at int64) {
	b.Helper()
	data, err := os.Open(path)
	b.must(err)
	onDisk, err := os.OpenFile(onto, os.O_WRONLY, 0)
	b.must(err)
	part := make([]byte, disks.BlockSize)
	for at <<= 20; err == nil; at += disks.BlockSize { // Where it holds nothing the disk does neither.
		var n int
		if n, err = io.ReadFull(data, part); !ebs.Zeros(part[:n]) {
			_, failed := onDisk.WriteAt(part[:n], at)
			b.must(failed)
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	b.must(errors.Join(err, data.Close(), onDisk.Close()))
}

// esp puts a FAT file system of so many KiB onto a disk at a MiB, with a loader in it.
func (b *bench) esp(onto string, at, kib int64, loader string, machine uint16, options ...string) {
	b.Helper()
	path, program := b.file(kib), filepath.Join(b.dir, "program.efi")
	b.run("", "mkfs.vfat", append(options, path)...)
	b.must(os.WriteFile(program, disks.Program(machine), 0o600))
	made := ""
	for _, part := range strings.Split(filepath.Dir(loader), "/")[1:] {
		made += "/" + part
		b.run("", "mmd", "-i", path, "::"+made)
	}
	b.run("", "mcopy", "-i", path, program, "::"+loader)
	b.place(path, onto, at)
}

// ext4 puts an ext4 file system of 64 MiB onto a disk at a MiB, with directories in it.
func (b *bench) ext4(onto string, at int64, names []string, options ...string) {
	b.Helper()
	path, tree := b.file(64<<10), b.TempDir()
	for _, name := range names {
		b.must(os.Mkdir(filepath.Join(tree, name), 0o700))
	}
	b.run("", "mkfs.ext4", append(options, "-q", "-F", "-d", tree, path)...)
	b.place(path, onto, at)
}

// xfs puts an XFS file system onto a disk at 10 MiB, with directories in it.
func (b *bench) xfs(onto string, names []string, options ...string) {
	b.Helper()
	path, proto := b.file(smallestXFS), filepath.Join(b.dir, "proto")
	text := "boot\n0 0\nd--755 0 0\n"
	for _, name := range names {
		text += name + " d--755 0 0 $\n"
	}
	b.must(os.WriteFile(proto, []byte(text+"$\n"), 0o600))
	b.run("", "mkfs.xfs", append(options, "-q", "-f", "-p", proto, path)...)
	b.place(path, onto, 10)
}

// smallestXFS is the least that mkfs.xfs makes, in KiB.
const smallestXFS = 300 << 10

// upload sends a disk with the SDK over the socket, and waits until it is a snapshot.
func (b *bench) upload(path string) string {
	b.Helper()
	file, err := os.Open(path)
	b.must(err)
	id, err := ebs.Upload(b.Context(), direct.NewFromConfig(b.suite.AWS()), file, disks.GiB,
		direct.StartSnapshotInput{Timeout: aws.Int32(patience)})
	b.must(errors.Join(err, file.Close()))
	b.completed(id)
	return id
}

func (b *bench) completed(id string) {
	b.Helper()
	b.must(sdk.NewSnapshotCompletedWaiter(sdk.NewFromConfig(b.suite.AWS()), func(o *sdk.SnapshotCompletedWaiterOptions) {
		o.MinDelay, o.MaxDelay = 20*time.Millisecond, time.Second
	}).Wait(b.Context(), &sdk.DescribeSnapshotsInput{SnapshotIds: []string{id}}, time.Minute))
}

// plan is what goldsmith plan prints of a snapshot.
func (b *bench) plan(id string, args ...string) string {
	b.Helper()
	var out, errs bytes.Buffer
	p := command.Program{
		AWS: func(context.Context, command.Account) (aws.Config, error) { return b.suite.AWS(), nil },
		Now: time.Now, Out: &out, Err: &errs,
	}
	p.Run(b.Context(), append([]string{"plan", "--source", id}, args...))
	if errs.Len() > 0 {
		b.Fatal(errs.String())
	}
	return out.String()
}

func (b *bench) says(got string, wanted ...string) {
	b.Helper()
	for _, want := range wanted {
		if !strings.Contains(got, want) {
			b.Errorf("it does not say %q:\n%s", want, got)
		}
	}
}

const known = "rootDeviceName=/dev/xvda enaSupport=true"

// patience is the longest timeout of a snapshot that is written, in minutes of the time that runs fast.
const patience = 4320

func TestDisksOfDebiansTools(t *testing.T) {
	b := open(t)
	if b == nil {
		return
	}
	path := b.disk("label: gpt\nsize=1MiB, type=21686148-6449-6E6F-744E-656564454649\nsize=64MiB, type=uefi\ntype=linux\n")
	b.esp(path, 2, 64<<10, "/EFI/BOOT/BOOTX64.EFI", disks.X64, "-F", "32")
	b.ext4(path, 66, disks.System)
	b.says(b.plan(b.upload(path), "--set", known),
		`GPT with 3 partitions: 1 BIOS boot, 2 EFI system (FAT), 3 Linux (ext4); \EFI\BOOT\BOOTX64.EFI`,
		"architecture         x86_64     the disk", "bootMode             uefi       the disk")

	path = b.disk("label: gpt\nsize=10MiB, type=uefi\ntype=linux\n")
	b.esp(path, 1, 10<<10, "/EFI/BOOT/BOOTAA64.EFI", disks.ARM)
	b.says(b.plan(b.upload(path), "--set", known), `\EFI\BOOT\BOOTAA64.EFI`, "architecture         arm64      the disk")

	path = b.disk("label: dos\nsize=40MiB, type=ef, bootable\ntype=83\n")
	b.esp(path, 1, 40<<10, "/EFI/a rather long vendor name/a rather long program name.efi", disks.X64, "-F", "16")
	b.says(b.plan(b.upload(path), "--set", known), `MBR with 2 partitions: 1 EFI system (FAT), 2 Linux`,
		`\EFI\A RATHER LONG VENDOR NAME\A RATHER LONG PROGRAM NAME.EFI`, "Note: firmware finds its loader only by UEFI data")

	path = b.disk("")
	b.run("", "mkfs.ext4", "-q", path)
	b.says(b.plan(b.upload(path)), "it is no root volume: one ext4 file system, no partition table: a data volume")

	path = b.disk("label: gpt\ntype=linux\n")
	b.says(b.plan(b.upload(path)), "it is no root volume: GPT with 1 partition: 1 Linux (nothing): a data volume")
}

// read reads a disk as it is.
func (b *bench) read(path string) disk.Disk {
	b.Helper()
	file, err := os.Open(path)
	b.must(err)
	found, err := disk.Read(file, disks.GiB)
	b.must(errors.Join(err, file.Close()))
	return found
}

// A person's client, boto's, block by block.
func TestUploadWithTheAWSCLI(t *testing.T) {
	b := open(t)
	if b == nil {
		return
	}
	if _, err := exec.LookPath("aws"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("the AWS CLI is not installed; CI needs it to send a disk (pip install awscli)")
		}
		t.Log("NOT RUN: the AWS CLI is not installed, so a disk is not sent with it (pip install awscli)")
		return
	}
	path := b.disk("label: gpt\nsize=2MiB, type=uefi\ntype=linux\n")
	b.esp(path, 1, 2<<10, "/EFI/BOOT/BOOTX64.EFI", disks.X64)
	id := b.uploadByCLI(path)
	b.completed(id)
	b.aws("ec2", "create-tags", "--resources", id, "--tags", "Key="+tag.ImageSettings+`,Value="`+known+`"`)
	b.says(b.plan(id), `GPT with 2 partitions: 1 EFI system (FAT), 2 Linux (nothing); \EFI\BOOT\BOOTX64.EFI`,
		"rootDeviceName       /dev/xvda  the tag goldsmith:image-settings", "bootMode             uefi       the disk")
}

func (b *bench) uploadByCLI(path string) string {
	b.Helper()
	id := b.aws("ebs", "start-snapshot", "--volume-size", "1", "--description", "by hand", "--timeout",
		fmt.Sprint(patience))["SnapshotId"].(string)
	image, err := os.ReadFile(path)
	b.must(err)
	count := 0
	for n := 0; n*disks.BlockSize < len(image); n++ {
		block := image[n*disks.BlockSize:][:disks.BlockSize]
		if ebs.Zeros(block) {
			continue
		}
		count++
		data := filepath.Join(b.dir, "block")
		b.must(os.WriteFile(data, block, 0o600))
		b.aws("ebs", "put-snapshot-block", "--snapshot-id", id, "--block-index", fmt.Sprint(n), "--block-data", data,
			"--data-length", fmt.Sprint(disks.BlockSize), "--checksum", ebs.Checksum(block), "--checksum-algorithm", "SHA256")
	}
	b.aws("ebs", "complete-snapshot", "--snapshot-id", id, "--changed-blocks-count", fmt.Sprint(count))
	return id
}

func (b *bench) aws(args ...string) map[string]any {
	b.Helper()
	c := exec.CommandContext(b.Context(), "aws", append(args, "--output", "json")...)
	c.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+b.url, "AWS_REGION="+b.suite.AWS().Region,
		"AWS_DEFAULT_REGION="+b.suite.AWS().Region,
		"AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any", "AWS_EC2_METADATA_DISABLED=true")
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.Output()
	if err != nil {
		b.Fatalf("aws %s: %v\n%s", strings.Join(args[:2], " "), err, errs.String())
	}
	answer := map[string]any{}
	if len(bytes.TrimSpace(out)) > 0 {
		b.must(json.Unmarshal(out, &answer))
	}
	return answer
}
