package asl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Parse reads a definition as deployed: placeholders like ${StopFunction} are
// replaced by substitutions first. The error lists every field, state type,
// intrinsic function, resource or reader that is not implemented, by state, and
// every placeholder without a value or value without a placeholder.
func Parse(definition []byte, substitutions map[string]string) (*Machine, error) {
	text, err := substitute(string(definition), substitutions)
	if err != nil {
		return nil, err
	}
	if err := uniqueKeys([]byte(text)); err != nil {
		return nil, fmt.Errorf("definition not usable: %w", err)
	}
	p := &problems{}
	top := readFields("definition", json.RawMessage(text), p)
	if v := top.text("Version"); v != "" && v != "1.0" {
		top.bad("Version %q is not implemented", v)
	}
	top.queryLanguage()
	m := &Machine{Definition: text, Comment: top.text("Comment")}
	m.Timeout = Amount{Fixed: top.whole("TimeoutSeconds", 0, 1, maxSeconds)}
	readScope(top, m)
	top.done("the definition")
	checkNames(m, p)
	if err := p.err(); err != nil {
		return nil, err
	}
	return m, nil
}

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

func substitute(text string, values map[string]string) (string, error) {
	used, unknown := map[string]bool{}, map[string]bool{}
	out := placeholder.ReplaceAllStringFunc(text, func(match string) string {
		name := match[2 : len(match)-1]
		value, ok := values[name]
		if !ok {
			unknown[name] = true
		}
		used[name] = true
		return value
	})
	if len(unknown) > 0 {
		return "", fmt.Errorf("definition not usable: no value for placeholder %s", strings.Join(sortedKeys(unknown), ", "))
	}
	for _, name := range sortedKeys(values) {
		if !used[name] {
			return "", fmt.Errorf("definition not usable: substitution %s is never used", name)
		}
	}
	return out, nil
}

// uniqueKeys refuses an object that names a key twice: the second of two states
// of one name would silently win.
func uniqueKeys(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if err := uniqueValue(d); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}

func uniqueValue(d *json.Decoder) error {
	token, err := d.Token()
	if err != nil {
		return fmt.Errorf("reading JSON: %w", err)
	}
	open, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			key, err := d.Token()
			if err != nil {
				return fmt.Errorf("reading JSON: %w", err)
			}
			name := fmt.Sprint(key)
			if seen[name] {
				return fmt.Errorf("%q is given twice in one object", name)
			}
			seen[name] = true
		}
		if err := uniqueValue(d); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("reading JSON: %w", err)
	}
	return nil
}

func (f fields) queryLanguage() {
	if q := f.text("QueryLanguage"); q != "" && q != "JSONPath" {
		f.bad("QueryLanguage %q is not implemented", q)
	}
}

// readScope reads StartAt and States, and checks that the states hang together.
func readScope(f fields, m *Machine) {
	m.StartAt = f.required("StartAt")
	m.States = map[string]*State{}
	raw, ok := f.take("States")
	if !ok {
		f.bad("States is missing")
		return
	}
	states := readFields(f.where+", States", raw, f.problems)
	for name, body := range states.raw {
		m.States[name] = readState(name, body, f.problems)
	}
	checkScope(f, m)
}

func checkScope(f fields, m *Machine) {
	if m.States[m.StartAt] == nil {
		f.bad("StartAt %q is not a state", m.StartAt)
		return
	}
	reachable := m.Reachable()
	for _, name := range sortedKeys(m.States) {
		if !reachable[name] {
			f.problems.add(stateAt(name), "is not reachable")
		}
		for _, edge := range m.States[name].Edges() {
			if m.States[edge.To] == nil {
				f.problems.add(stateAt(name), "%s leads to %q, which is not a state of the same scope", edge.Kind, edge.To)
			}
		}
	}
}

// checkNames holds names to Step Functions' rules: at most 80 characters, and
// unique in the whole definition; labels of Maps are unique too.
func checkNames(m *Machine, p *problems) {
	names, labels := map[string]bool{}, map[string]bool{}
	m.Walk(func(_ []string, _ *Machine, s *State) {
		if names[s.Name] {
			p.add(stateAt(s.Name), "the name is used twice in the definition")
		}
		names[s.Name] = true
		if n := utf8.RuneCountInString(s.Name); n == 0 || n > 80 {
			p.add(stateAt(s.Name), "the name has %d characters; 1 to 80 are allowed", n)
		}
		if s.Label != "" && labels[s.Label] {
			p.add(stateAt(s.Name), "Label %q is used twice", s.Label)
		}
		labels[s.Label] = true
	})
}

func stateAt(name string) string { return fmt.Sprintf("state %q", name) }

func readerOf(stateType string) func(fields, *State) {
	return map[string]func(fields, *State){
		"Task": readTask, "Choice": readChoice, "Wait": readWait, "Map": readMap,
		"Parallel": readParallel, "Pass": readPass, "Succeed": readSucceed, "Fail": readFail,
	}[stateType]
}

func readState(name string, raw json.RawMessage, p *problems) *State {
	f := readFields(stateAt(name), raw, p)
	s := &State{Name: name, Type: f.required("Type"), Comment: f.text("Comment")}
	read := readerOf(s.Type)
	if read == nil {
		f.bad("state type %q is not implemented", s.Type)
		return s
	}
	f.queryLanguage()
	s.events = namesOfEvents(s.Type)
	read(f, s)
	f.done(s.Type)
	return s
}

// onwards reads Next or End, exactly one of which a state needs.
func (f fields) onwards(s *State) {
	s.Next, s.End = f.text("Next"), f.boolean("End")
	if (s.Next == "") == !s.End {
		f.bad("needs either Next or End")
	}
}

func (f fields) inAndOut(s *State) {
	s.flow.in, s.flow.out = f.filter("InputPath"), f.filter("OutputPath")
}
