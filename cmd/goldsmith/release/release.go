// Command release builds the command line for every system that people use it on: an archive for each, with manual
// pages and completions, and the checksums of all. The same commit gives the same bytes.
package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra/doc"

	"goldsmith/cmd/goldsmith/command"
	"goldsmith/shared/version"
)

// targets are the systems and processors.
var targets = []target{
	{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"},
	{"windows", "arm64"},
}

type target struct{ system, processor string }

// file is one of an archive.
type file struct {
	name string
	mode os.FileMode
	text []byte
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := release(ctx, "dist/release", targets)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// release writes an archive for each target, and SHA256SUMS, into a folder that holds nothing else then.
func release(ctx context.Context, folder string, targets []target) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	beside, err := documents()
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, t := range targets {
		name, text, err := t.archive(ctx, beside)
		if err != nil {
			return fmt.Errorf("%s/%s: %w", t.system, t.processor, err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(text), name)
		fmt.Printf("%-42s %5.1f MB\n", name, float64(len(text))/1e6)
	}
	return os.WriteFile(filepath.Join(folder, "SHA256SUMS"), []byte(sums.String()), 0o600)
}

// documents are the licence, the changelog, the manual pages and the completions of shells.
func documents() ([]file, error) {
	var files []file
	for _, name := range []string{"LICENSE", "CHANGELOG.md"} {
		text, err := os.ReadFile(name) //nolint:gosec // one of the two above
		if err != nil {
			return nil, fmt.Errorf("it runs in the repository's root: %w", err)
		}
		files = append(files, file{name, 0o644, text})
	}
	pages, err := manual()
	if err != nil {
		return nil, fmt.Errorf("writing manual pages: %w", err)
	}
	shells, err := completions()
	return slices.Concat(files, pages, shells), err
}

// manual is a page for each command.
func manual() ([]file, error) {
	folder, err := os.MkdirTemp("", "goldsmith-man")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	at, err := released()
	if err != nil {
		return nil, err
	}
	header := &doc.GenManHeader{Section: "1", Source: "Goldsmith " + version.Version, Manual: "Goldsmith", Date: &at}
	if err := doc.GenManTree(command.Program{}.Root(), header, folder); err != nil {
		return nil, err
	}
	found, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var pages []file
	for _, each := range found {
		text, err := os.ReadFile(filepath.Join(folder, each.Name())) //nolint:gosec // it was written just before
		if err != nil {
			return nil, err
		}
		pages = append(pages, file{"man/" + each.Name(), 0o644, text})
	}
	return pages, nil
}

// released is the release's date by the changelog: its pages are the same whenever they are made.
func released() (time.Time, error) {
	text, err := os.ReadFile("CHANGELOG.md")
	if err != nil {
		return time.Time{}, err
	}
	_, after, found := strings.Cut(string(text), "\n## ["+version.Version+"] - ")
	day, _, _ := strings.Cut(after, "\n")
	if !found {
		return time.Time{}, fmt.Errorf("CHANGELOG.md has no entry of %s", version.Version)
	}
	return time.Parse(time.DateOnly, day)
}

func completions() ([]file, error) {
	root := command.Program{}.Root()
	var bash, zsh, fish, power bytes.Buffer
	for _, err := range []error{
		root.GenBashCompletionV2(&bash, true), root.GenZshCompletion(&zsh), root.GenFishCompletion(&fish, true),
		root.GenPowerShellCompletionWithDesc(&power),
	} {
		if err != nil {
			return nil, fmt.Errorf("writing completions: %w", err)
		}
	}
	return []file{
		{"completions/goldsmith.bash", 0o644, bash.Bytes()}, {"completions/_goldsmith", 0o644, zsh.Bytes()},
		{"completions/goldsmith.fish", 0o644, fish.Bytes()}, {"completions/goldsmith.ps1", 0o644, power.Bytes()},
	}, nil
}

// archive is that of one target: zip for Windows, as its users expect it.
func (t target) archive(ctx context.Context, beside []file) (name string, text []byte, err error) {
	program, err := t.built(ctx)
	if err != nil {
		return "", nil, err
	}
	files := append([]file{program}, beside...)
	name = fmt.Sprintf("goldsmith_%s_%s_%s", version.Version, t.system, t.processor)
	if t.system == "windows" {
		text, err = zipped(files)
		return name + ".zip", text, err
	}
	text, err = tarred(files)
	return name + ".tar.gz", text, err
}

func (t target) built(ctx context.Context) (file, error) {
	folder, err := os.MkdirTemp("", "goldsmith-release")
	if err != nil {
		return file{}, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	name := "goldsmith"
	if t.system == "windows" {
		name += ".exe"
	}
	out := filepath.Join(folder, name)
	//nolint:gosec // the path is this function's own
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w -buildid=", "-o", out,
		"./cmd/goldsmith")
	//nolint:forbidigo // a build on a person's machine, which needs PATH and HOME
	build.Env = append(os.Environ(), "GOOS="+t.system, "GOARCH="+t.processor, "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if said, err := build.CombinedOutput(); err != nil {
		return file{}, fmt.Errorf("%w: %s", err, said)
	}
	text, err := os.ReadFile(out) //nolint:gosec // it was built just before
	return file{name, 0o755, text}, err
}

func tarred(files []file) ([]byte, error) {
	var text bytes.Buffer
	packed := gzip.NewWriter(&text)
	archive := tar.NewWriter(packed)
	for _, f := range files {
		err := archive.WriteHeader(&tar.Header{
			Name: f.name, Mode: int64(f.mode), Size: int64(len(f.text)), Format: tar.FormatUSTAR,
		})
		if err == nil {
			_, err = archive.Write(f.text)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	err := packed.Close()
	return text.Bytes(), err
}

func zipped(files []file) ([]byte, error) {
	var text bytes.Buffer
	archive := zip.NewWriter(&text)
	for _, f := range files {
		header := &zip.FileHeader{Name: f.name, Method: zip.Deflate}
		header.SetMode(f.mode)
		w, err := archive.CreateHeader(header)
		if err == nil {
			_, err = w.Write(f.text)
		}
		if err != nil {
			return nil, err
		}
	}
	err := archive.Close()
	return text.Bytes(), err
}
