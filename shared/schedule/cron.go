package schedule

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A field of a cron expression, with the wildcards that Scheduler's table gives it.
type field struct {
	name     string
	min, max int
	// names stand for min, min+1 and so on.
	names []string
	// steps is whether / is among the field's wildcards: it is not for the day of the week.
	steps bool
	// special turns the forms that only this field has into gronx's dialect.
	special func(text string) (translated string, err error)
}

const (
	dayOfMonth = 2
	dayOfWeek  = 4
	fieldCount = 6
)

var weekdays = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}

var fields = [fieldCount]field{
	{name: "minute", min: 0, max: 59, steps: true},
	{name: "hour", min: 0, max: 23, steps: true},
	{name: "day-of-month", min: 1, max: 31, steps: true, special: specialDayOfMonth},
	{name: "month", min: 1, max: 12, steps: true, names: []string{
		"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}},
	{name: "day-of-week", min: 1, max: 7, names: weekdays, special: specialDayOfWeek},
	{name: "year", min: 1970, max: 2199, steps: true},
}

// parseCron checks the fields and writes them in gronx's dialect: seconds in
// front, everything but specials as plain lists, Sunday as 0 instead of 1.
func parseCron(words []string) (string, error) {
	if len(words) != fieldCount {
		return "", countError(words)
	}
	if err := dayError(words); err != nil {
		return "", err
	}
	translated := []string{"0"}
	var wrong []error
	for i, f := range fields {
		text, err := f.translate(words[i])
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", f.name, err))
		}
		translated = append(translated, text)
	}
	return strings.Join(translated, " "), errors.Join(wrong...)
}

func countError(words []string) error {
	base := fmt.Sprintf("cron(%s) has %d fields, Scheduler wants six: minute hour day-of-month month day-of-week year",
		strings.Join(words, " "), len(words))
	if len(words) != fieldCount-1 {
		return errors.New(base)
	}
	// Unix counts days of the week from 0, so only names can be carried over.
	if strings.ContainsAny(words[dayOfWeek], "0123456789") {
		return errors.New(base + " (and its days of the week are 1-7 from Sunday)")
	}
	guess := mark(append(slices.Clone(words), "*"))
	if _, err := Parse(guess, time.UTC); err != nil {
		return errors.New(base)
	}
	return fmt.Errorf("%s; did you mean %q?", base, guess)
}

// dayError holds the rule that day-of-month and day-of-week are not combined:
// exactly one of them is "?".
func dayError(words []string) error {
	switch marks := btoi(words[dayOfMonth] == "?") + btoi(words[dayOfWeek] == "?"); {
	case marks == 1:
		return nil
	case marks == 2:
		return errors.New("day-of-month and day-of-week are both ?: write * in one of them for every day")
	case words[dayOfMonth] != "*" && words[dayOfWeek] != "*":
		return errors.New("day-of-month and day-of-week cannot be combined: write ? in the one that does not matter")
	default:
		return fmt.Errorf("day-of-month and day-of-week: exactly one must be ?; did you mean %q?", mark(slices.Clone(words)))
	}
}

// mark puts the missing "?" in place of a "*".
func mark(words []string) string {
	switch {
	case words[dayOfMonth] == "?" || words[dayOfWeek] == "?":
	case words[dayOfWeek] == "*":
		words[dayOfWeek] = "?"
	case words[dayOfMonth] == "*":
		words[dayOfMonth] = "?"
	}
	return "cron(" + strings.Join(words, " ") + ")"
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (f field) translate(text string) (string, error) {
	if text == "*" || text == "?" && f.special != nil {
		return text, nil
	}
	if f.special != nil {
		if translated, err := f.special(text); translated != "" || err != nil {
			return translated, err
		}
	}
	var values []int
	for part := range strings.SplitSeq(text, ",") {
		some, err := f.values(part)
		if err != nil {
			return "", err
		}
		values = append(values, some...)
	}
	slices.Sort(values)
	list := make([]string, 0, len(values))
	for _, v := range slices.Compact(values) {
		list = append(list, strconv.Itoa(v-f.shift()))
	}
	return strings.Join(list, ","), nil
}

// shift is the distance between Scheduler's number and gronx's: days of the
// week start at 1 here and at 0 there.
func (f field) shift() int { return btoi(f.name == fields[dayOfWeek].name) }

// values are the numbers that one part of a list stands for: 5, 5-10, 5-10/2, 5/10 or */10.
func (f field) values(part string) ([]int, error) {
	span, stepText, stepped := strings.Cut(part, "/")
	from, to, err := f.span(span, stepped)
	if err != nil {
		return nil, err
	}
	step := 1
	if stepped {
		if step, err = f.step(stepText); err != nil {
			return nil, err
		}
	}
	var values []int
	for v := from; v <= to; v += step {
		values = append(values, v)
	}
	return values, nil
}

func (f field) span(text string, stepped bool) (from, to int, err error) {
	if text == "*" && stepped {
		return f.min, f.max, nil
	}
	first, last, ranged := strings.Cut(text, "-")
	if from, err = f.value(first); err != nil {
		return 0, 0, err
	}
	switch {
	case ranged:
		if to, err = f.value(last); err == nil && to < from {
			err = f.backwards(text, first, last)
		}
		return from, to, err
	case stepped:
		return from, f.max, nil
	default:
		return from, from, nil
	}
}

// backwards refuses a range such as 20-2. The EventBridge User Guide has one, and leaves open to which weekday the
// hours after midnight belong; the two ranges that leave nothing open are named.
func (f field) backwards(text, first, last string) error {
	lowest, highest := strconv.Itoa(f.min), strconv.Itoa(f.max)
	if len(f.names) > 0 {
		lowest, highest = f.names[0], f.names[len(f.names)-1]
	}
	return fmt.Errorf("the range %s runs backwards: write two ranges, %s-%s,%s-%s", text, first, highest, lowest, last)
}

func (f field) step(text string) (int, error) {
	if !f.steps {
		return 0, errors.New("no steps here: list the days, such as MON,WED,FRI")
	}
	step, ok := number(text)
	if !ok || step < 1 || step > f.max {
		return 0, fmt.Errorf("the step %q is not a whole number from 1 to %d", text, f.max)
	}
	return step, nil
}

func (f field) value(text string) (int, error) {
	if i := slices.Index(f.names, text); i >= 0 {
		return f.min + i, nil
	}
	if i := slices.Index(f.names, strings.ToUpper(text)); i >= 0 {
		return 0, fmt.Errorf("write %s in capitals", f.names[i])
	}
	v, ok := number(text)
	if ok && v >= f.min && v <= f.max {
		return v, nil
	}
	allowed := fmt.Sprintf("%d-%d", f.min, f.max)
	if f.names != nil {
		allowed += fmt.Sprintf(" (%s-%s)", f.names[0], f.names[len(f.names)-1])
	}
	if text == "" {
		return 0, fmt.Errorf("a value is missing; allowed is %s", allowed)
	}
	return 0, fmt.Errorf("%q is outside %s", text, allowed)
}

// number reads digits only: strconv alone would take a sign.
func number(text string) (int, bool) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	v, err := strconv.Atoi(text)
	return v, err == nil
}

var (
	nearest   = regexp.MustCompile(`^([1-9]|[12]\d|3[01])W$`)
	lastOrNth = regexp.MustCompile(`^([1-7])(L|#[1-5])$`)
)

// specialDayOfMonth reads L, the month's last day, and 15W, the weekday nearest
// to the 15th. In a month without that day W does not run (unverified: Scheduler's pages do not say).
func specialDayOfMonth(text string) (string, error) {
	switch {
	case text == "L" || nearest.MatchString(text):
		return text, nil
	case strings.ContainsAny(text, "LW"):
		return "", errors.New("the letter L stands alone for the last day, and W follows one day from 1 to 31, such as 15W")
	default:
		return "", nil
	}
}

// specialDayOfWeek reads L, the week's last day (Saturday), 6L, the month's last
// Friday, and 3#2, its second Tuesday; Scheduler allows only one # and no list with it.
func specialDayOfWeek(text string) (string, error) {
	if text == "L" {
		return "6", nil
	}
	if found := lastOrNth.FindStringSubmatch(text); found != nil {
		day, _ := number(found[1])
		return strconv.Itoa(day-1) + found[2], nil
	}
	for i, name := range weekdays {
		if rest, ok := strings.CutPrefix(text, name); ok && lastOrNth.MatchString("1"+rest) {
			return "", fmt.Errorf("write the day as a number: %d%s", i+1, rest)
		}
	}
	if strings.Contains(text, "#") || strings.HasSuffix(text, "L") {
		return "", errors.New("the forms are 6L for the month's last Friday and 3#2 for its second Tuesday, one alone (1 " +
			"is SUN)")
	}
	return "", nil
}
