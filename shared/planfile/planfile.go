// Package planfile knows how plans are written down: strict YAML, in which
// every mistake is found at once and told with its line.
package planfile

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"goldsmith/shared/plan"
	"goldsmith/shared/schedule"
)

// InvalidError is what Parse answers when anything is wrong.
type InvalidError struct {
	// Name is the file's.
	Name string
	// Problems are all that was found, by line.
	Problems []Problem
}

// Problem is one mistake and its line, counted from 1.
type Problem struct {
	Line int
	plan.Problem
}

// Error is one line for each problem: "plans.yaml:12: nightly.window: ...".
func (e *InvalidError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = fmt.Sprintf("%s:%d: %s", e.Name, p.Line, p.Text)
		if p.Path != "" {
			lines[i] = fmt.Sprintf("%s:%d: %s", e.Name, p.Line, p.Problem)
		}
	}
	return strings.Join(lines, "\n")
}

// File is plans as they are written down; none where there are mistakes.
type File struct {
	plan.Plans
	// Doubts are what is probably a mistake, and may be right.
	Doubts *InvalidError

	name  string
	lines reader
}

// Invalid is that problems were found in the plans, each with its line; nil where there are none.
func (f File) Invalid(found []plan.Problem) *InvalidError {
	if len(found) == 0 {
		return nil
	}
	e := &InvalidError{Name: f.name}
	for _, p := range found {
		e.Problems = append(e.Problems, Problem{f.lines.line(p.Path), p})
	}
	return e.sorted()
}

// sorted has the problems by line.
func (e *InvalidError) sorted() *InvalidError {
	slices.SortStableFunc(e.Problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return e
}

// Load reads the plans in a file.
func Load(path string, now time.Time) (plan.Plans, error) {
	file, err := Open(path, "", now)
	return file.Plans, err
}

// Open reads the plans in a file for a suite in a Region; what only holds of that is checked, too. Empty is any.
func Open(path, region string, now time.Time) (File, error) {
	file, err := os.Open(filepath.Clean(path))
	if err != nil {
		return File{}, fmt.Errorf("reading plans: %w", err)
	}
	// One byte more than is allowed, so that Parse sees a file that is too long.
	text, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err = errors.Join(err, file.Close()); err != nil {
		return File{}, fmt.Errorf("reading plans: %w", err)
	}
	return parsed(filepath.Base(path), text, region, now)
}

// Parse reads plans and fills in what they leave out. The name stands in front
// of every problem; schedules are judged as of now. Its error is an *InvalidError.
func Parse(name string, text []byte, now time.Time) (plan.Plans, error) {
	file, err := parsed(name, text, "", now)
	return file.Plans, err
}

func parsed(name string, text []byte, region string, now time.Time) (File, error) {
	r := reader{lines: map[string]int{}}
	plans := r.parse(text, region, now)
	file := File{name: name, lines: r}
	file.Doubts = file.Invalid(plans.Doubts())
	if len(r.problems) > 0 {
		e := &InvalidError{Name: name, Problems: r.problems}
		return file, e.sorted()
	}
	file.Plans = plans
	return file, nil
}

// parse reads and checks the plans, and notes what is wrong with them.
func (r *reader) parse(text []byte, region string, now time.Time) (plans plan.Plans) {
	body, problems := document(text)
	r.problems = problems
	if body == nil {
		return plans
	}
	r.plans(body, &plans)
	if plans.Plans == nil {
		return plans
	}
	read := slices.Clone(r.problems)
	for _, p := range slices.Concat(plans.Check(), checkSchedules(&plans, now), r.checkSnapshots(plans),
		r.checkCopies(plans), atHome(plans, region)) {
		if !spoilt(read, p.Path) {
			r.problems = append(r.problems, Problem{r.line(p.Path), p})
		}
	}
	return plans
}

// atHome is what is wrong of a suite in a Region; nothing of one that is not known.
func atHome(plans plan.Plans, region string) []plan.Problem {
	if region == "" {
		return nil
	}
	return plans.Home(region)
}

// spoilt reports whether something at, above or below a path could not be read,
// so that what was found there afterwards is only a consequence.
func spoilt(read []Problem, path string) bool {
	under := func(path, above string) bool {
		rest, ok := strings.CutPrefix(path, above)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	}
	return slices.ContainsFunc(read, func(p Problem) bool {
		return p.Path != "" && (under(path, p.Path) || under(p.Path, path))
	})
}

// checkSchedules judges every schedule, and writes it with single spaces, as
// Scheduler's page has it.
func checkSchedules(plans *plan.Plans, now time.Time) []plan.Problem {
	var found []plan.Problem
	for _, name := range slices.Sorted(maps.Keys(plans.Plans)) {
		p := plans.Plans[name]
		zone, err := schedule.Zone(p.Timezone)
		if err != nil {
			found = append(found, plan.Problem{Path: name + ".timezone", Text: err.Error()})
		}
		if p.Schedule == "" {
			continue
		}
		read, errs := checkSchedule(p.Schedule, zone, now)
		for _, err := range errs {
			found = append(found, plan.Problem{Path: name + ".schedule", Text: err.Error()})
		}
		p.Schedule = read.String()
		plans.Plans[name] = p
	}
	return found
}

// checkSchedule still reads the expression when its zone is unknown, so that
// both mistakes are told at once.
func checkSchedule(text string, zone *time.Location, now time.Time) (schedule.Schedule, []error) {
	known := zone != nil
	if !known {
		zone = time.UTC
	}
	read, err := schedule.Parse(text, zone)
	if err == nil && known {
		err = read.Check(now)
	}
	var many interface{ Unwrap() []error }
	switch {
	case err == nil:
		return read, nil
	case errors.As(err, &many):
		return read, many.Unwrap()
	default:
		return read, []error{err}
	}
}
