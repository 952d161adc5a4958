// Package browser opens the pages that people get in a real browser.
package browser

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/page"
)

// checks run in the page, on top of its own script, and leave what they find in the element "found".
const checks = `<script>
const found = [];
const same = (what, got, want) => { if (got !== want) found.push(what + ": " + got + ", want " + want); };
const shown = () => [...document.querySelectorAll("#sources tbody tr")].filter((row) => row.offsetParent !== null);
const names = () => shown().map((row) => row.querySelector("code").textContent).join(" ");
const type = (text) => {
  const find = document.getElementById("find");
  find.value = text;
  find.dispatchEvent(new Event("input", {bubbles: true}));
};
found.push(...window.broken);
same("width", document.documentElement.scrollWidth, document.documentElement.clientWidth);
same("sources", shown().length, 60);
type("i-07");
same("found by id", names(), "i-07");
type("");
const imaged = document.querySelector("input[value=imaged]");
imaged.click();
same("without the imaged", shown().length, 20);
imaged.click();
const sort = document.querySelector("th.down button, th:nth-child(4) button");
sort.click();
same("the shortest first", shown()[0].querySelector(".down").dataset.value, "0");
sort.click();
same("the longest first", shown()[0].querySelector(".down").dataset.value, "219");
same("head", sort.parentElement.getAttribute("aria-sort"), "descending");
for (const box of document.querySelectorAll("input")) if (!box.labels.length) found.push("an input without a label");
const out = document.createElement("pre");
out.id = "found";
out.textContent = found.join("\n") || "nothing";
document.body.append(out);
</script>`

// errors are collected from the first line of the page on.
const errors = `<script>window.broken = [];
addEventListener("error", (e) => window.broken.push(e.message));
addEventListener("securitypolicyviolation", (e) => window.broken.push(e.violatedDirective));</script>`

// TestRunPage opens the report of a run on a phone and on a desk: nothing is wider than the window, filters and sorting
// work, nothing is fetched or fails.
func TestRunPage(t *testing.T) {
	browser := chromium(t)
	if browser == "" {
		return
	}
	opened(t, browser, runText(t), checks)
}

// TestNightsPage opens the page over runs in the same way.
func TestNightsPage(t *testing.T) {
	browser := chromium(t)
	if browser == "" {
		return
	}
	opened(t, browser, nightsText(t), strings.Replace(checks, "th.down button, th:nth-child(4) button",
		"th:nth-child(5) button", 1))
}

func runText(t *testing.T) string {
	t.Helper()
	var text bytes.Buffer
	if err := page.Write(&text, run()); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func nightsText(t *testing.T) string {
	t.Helper()
	nights := page.Nights{}
	for night := range 62 {
		r := run()
		r.Run.Name, r.Run.Scheduled = fmt.Sprint("nightly-", night), r.Run.Scheduled.AddDate(0, 0, night)
		nights.Runs = append(nights.Runs, r)
	}
	var text bytes.Buffer
	if err := page.WriteNights(&text, nights); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// opened opens a page on a phone and on a desk with checks of its own.
func opened(t *testing.T, browser, text, checks string) {
	t.Helper()
	probed := strings.Replace(text, "<style>", errors+"<style>", 1)
	probed = strings.Replace(probed, "</body>", checks+"</body>", 1)
	file := filepath.Join(t.TempDir(), "run.html")
	if err := os.WriteFile(file, []byte(probed), 0o600); err != nil {
		t.Fatal(err)
	}
	// A headless window is never narrower than 500 pixels; a frame is.
	for _, width := range []int{390, 1440} {
		frame := filepath.Join(t.TempDir(), "frame.html")
		framed := fmt.Sprintf(`<!doctype html><iframe src="file://%s" width="%d" height="900" style="border:0"></iframe>`+
			`<pre id="found"></pre><script>addEventListener("message", (e) => { document.getElementById("found").textContent = e.data; });</script>`,
			file, width)
		if err := os.WriteFile(frame, []byte(framed), 0o600); err != nil {
			t.Fatal(err)
		}
		tell := strings.Replace(probed, "document.body.append(out);",
			"document.body.append(out); parent.postMessage(out.textContent, '*');", 1)
		if err := os.WriteFile(file, []byte(tell), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := dump(t, browser, frame); got != "nothing" {
			t.Errorf("%d pixels: %s", width, got)
		}
	}
}

var foundIn = regexp.MustCompile(`(?s)<pre id="found">(.*?)</pre>`)

func dump(t *testing.T, browser, file string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu",
		"--user-data-dir="+t.TempDir(),
		"--window-size=1600,1000", "--virtual-time-budget=10000", "--dump-dom", "file://"+file).Output()
	if err != nil {
		t.Fatalf("%s: %v", browser, err)
	}
	found := foundIn.FindSubmatch(out)
	if found == nil {
		t.Fatalf("the browser shows %.500s", out)
	}
	return html.UnescapeString(string(found[1]))
}

// chromium is the browser; empty when there is none, which CI does not accept.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("no chromium is installed; CI needs it to open the pages (apt-get install chromium)")
	}
	t.Log("no chromium is installed: the pages are not opened")
	return ""
}

// run has sixty sources of three endings, and names as long as people give them.
func run() page.Run {
	night := time.Date(2026, 11, 27, 2, 30, 0, 0, time.UTC)
	r := page.Run{
		Run: ledger.Run{
			Name: "nightly-20261127T023000Z", Plan: "nightly", Scheduled: night, Started: night, Ended: night.Add(time.Hour),
			Execution: "arn:aws:states:eu-west-1:123456789012:execution:goldsmith:nightly-20261127T023000Z",
		},
		Written: night.Add(time.Hour),
	}
	for i := range 60 {
		result := job.Result{
			Source: fmt.Sprintf("i-%02d", i), Name: strings.Repeat(fmt.Sprintf("a-long-name-%d-", i), 8),
			Rolled: []job.Rolled{{Target: "lt-0123456789abcdef0", Name: strings.Repeat("template", 12), From: "ami-1",
				To: "ami-2"}},
		}
		switch i % 3 {
		case 0:
			result.Ending, result.Skip = job.Skipped, &job.Reason{Code: job.StopProtected, Text: "stop protection is on"}
		default:
			result.Ending, result.Image.ID = job.Imaged, "ami-0123456789abcdef0"
			result.Times = job.Times{
				StopSent: night, Stopped: night.Add(time.Minute), ImageSent: night.Add(time.Minute),
				Snapshotted: night.Add(2 * time.Minute), StartSent: night.Add(2 * time.Minute),
				Running: night.Add(160*time.Second + time.Duration(i)*time.Second), Available: night.Add(20 * time.Minute),
			}
		}
		r.Results = append(r.Results, result)
	}
	return r
}
