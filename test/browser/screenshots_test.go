package browser

import (
	"bytes"
	"context"
	"encoding/base64"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/image/draw"
	"golang.org/x/image/font/gofont/goregular"
)

var update = flag.Bool("update", false, "take the screenshots in testdata anew")

const (
	// tall is how much of a page is looked at, in pixels.
	tall = 1200
	// shrunk is by how much a screenshot is made smaller before it is compared, so that the edges of letters, which
	// differ from one build of the browser to the next, count for little.
	shrunk = 4
	// tolerated is which share of a screenshot's points may differ from those of the kept one.
	tolerated = 0.005
)

// look is how a page is looked at.
type look struct {
	width int
	dark  bool
}

// TestScreenshots compares both pages with what a person has looked at: on a phone, on a desk and in the dark.
func TestScreenshots(t *testing.T) {
	browser := chromium(t)
	if browser == "" {
		return
	}
	for name, text := range map[string]string{"run": runText(t), "nights": nightsText(t)} {
		for _, l := range []look{{390, false}, {1440, false}, {1440, true}} {
			kept := l.kept(name)
			got := l.at(t, browser, text)
			if *update {
				write(t, kept, got)
			}
			if far := distance(got, read(t, kept)); far > tolerated {
				seen := filepath.Join(t.ArtifactDir(), filepath.Base(kept))
				write(t, seen, got)
				t.Errorf("%s is %.4f from %s, where %.4f are tolerated; it is in %s (-artifacts keeps it). If it is as it "+
					"should be: go test ./test/browser -update", name, far, kept, tolerated, seen)
			}
		}
	}
}

// TestScreenshotsTellFaults holds that the tolerance is no wider than faults that a person would see.
func TestScreenshotsTellFaults(t *testing.T) {
	browser := chromium(t)
	if browser == "" {
		return
	}
	text := runText(t)
	for name, c := range map[string]struct {
		look     look
		old, new string
	}{
		"tiles below each other":   {look{1440, false}, ".tiles { display: flex;", ".tiles { display: block;"},
		"dark letters in the dark": {look{1440, true}, ":root { --ink: #e6edf3;", ":root { --ink: #1b1f24;"},
		"no dark":                  {look{1440, true}, "(prefers-color-scheme: dark)", "(prefers-color-scheme: none)"},
		"no room for names":        {look{1440, false}, "#sources th[scope=row] { width: 15rem; }", ""},
		"no style":                 {look{390, false}, "<style>", "<style media=print>"},
	} {
		if !strings.Contains(text, c.old) {
			t.Fatalf("%s: the page has no %q", name, c.old)
		}
		faulty := c.look.at(t, browser, strings.Replace(text, c.old, c.new, 1))
		if far := distance(read(t, c.look.kept("run")), faulty); far <= tolerated {
			t.Errorf("%s: %.4f from the page as it is, which is tolerated", name, far)
		} else {
			t.Logf("%s: %.4f", name, far)
		}
	}
}

// kept is the screenshot of a page that a person has looked at.
func (l look) kept(name string) string {
	return filepath.Join("testdata", fmt.Sprintf("%s-%d%s.png", name, l.width, map[bool]string{true: "-dark"}[l.dark]))
}

var policy = regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`)

// at is the upper end of a page, made smaller. It is set in letters that do not depend on the machine, which the page's
// own policy would not let in.
func (l look) at(t *testing.T, browser, text string) image.Image {
	t.Helper()
	folder := t.TempDir()
	font := `<style>@font-face { font-family: Go; src: url(data:font/ttf;base64,` +
		base64.StdEncoding.EncodeToString(goregular.TTF) + `) } * { font-family: Go !important; }</style></head>`
	text = strings.Replace(policy.ReplaceAllString(text, ""), "</head>", font, 1)
	// A headless window is never narrower than 500 pixels; a frame is.
	frame := fmt.Sprintf(`<!doctype html><body style="margin:0"><iframe src="page.html" width="%d" height="%d" `+
		`style="border:0;display:block"></iframe>`, l.width, tall)
	for name, text := range map[string]string{"page.html": text, "frame.html": frame} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	shot := filepath.Join(folder, "shot.png")
	scheme := map[bool]string{true: "0", false: "1"}[l.dark]
	out, err := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
		"--force-device-scale-factor=1", "--blink-settings=preferredColorScheme="+scheme, "--user-data-dir="+t.TempDir(),
		"--virtual-time-budget=10000", fmt.Sprintf("--window-size=%d,%d", max(l.width, 500), tall), "--screenshot="+shot,
		"file://"+filepath.Join(folder, "frame.html")).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", browser, err, out)
	}
	small := image.NewRGBA(image.Rect(0, 0, l.width/shrunk, tall/shrunk))
	draw.CatmullRom.Scale(small, small.Bounds(), read(t, shot), image.Rect(0, 0, l.width, tall), draw.Src, nil)
	return small
}

// distance is the share of points whose colors differ between two pictures; 1 of pictures of different sizes.
func distance(a, b image.Image) float64 {
	if a.Bounds() != b.Bounds() {
		return 1
	}
	differ := 0
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			if differs(a.At(x, y), b.At(x, y)) {
				differ++
			}
		}
	}
	return float64(differ) / float64(a.Bounds().Dx()*a.Bounds().Dy())
}

// differs is whether a person would tell two colors apart: a tenth of a channel lies between them.
func differs(a, b color.Color) bool {
	ar, ag, ab, _ := a.RGBA()
	br, bg, bb, _ := b.RGBA()
	return max(ar, br)-min(ar, br) > 0xffff/10 || max(ag, bg)-min(ag, bg) > 0xffff/10 || max(ab, bb)-min(ab, bb) > 0xffff/10
}

func read(t *testing.T, name string) image.Image {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return picture
}

func write(t *testing.T, name string, picture image.Image) {
	t.Helper()
	var text bytes.Buffer
	if err := png.Encode(&text, picture); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
