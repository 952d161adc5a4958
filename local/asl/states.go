package asl

import (
	"context"
	"encoding/json"
	"strconv"
	"time"
)

func jsonNumber(n int) json.Number { return json.Number(strconv.Itoa(n)) }

// shape is the work of Pass and Succeed.
func (v *visit) shape() (any, error) {
	result, err := v.state.flow.effective(v.env())
	if err != nil {
		return nil, err
	}
	if v.state.hasRes {
		result = v.state.result
	}
	if v.state.Type == "Succeed" {
		return v.state.flow.out.apply(v.env().with(result))
	}
	return v.state.flow.output(v.env(), result)
}

// choice looks at the filtered input and passes it on.
func (v *visit) choice() (any, string, error) {
	in, err := v.state.flow.in.apply(v.env())
	if err != nil {
		return nil, "", err
	}
	next, err := v.state.choose(v.env().with(in))
	if err != nil {
		return nil, "", err
	}
	output, err := v.state.flow.out.apply(v.env().with(in))
	return output, next, err
}

func (v *visit) pause(ctx context.Context) (any, error) {
	in, err := v.state.flow.in.apply(v.env())
	if err != nil {
		return nil, err
	}
	until, err := v.until(v.env().with(in))
	if err != nil {
		return nil, err
	}
	if d := until.Sub(v.clock().Now()); d > 0 {
		if err := v.clock().Sleep(ctx, d); err != nil {
			return nil, err
		}
	}
	return v.state.flow.out.apply(v.env().with(in))
}

func (v *visit) until(data *env) (time.Time, error) {
	w := v.state.wait
	if w.timestamp == nil && w.at == "" {
		seconds, err := v.amount(w.seconds, data)
		return v.entered.Add(time.Duration(seconds) * time.Second), err
	}
	if w.timestamp == nil {
		t, _ := timestamp(w.at)
		return t, nil
	}
	at, err := w.timestamp.get(data)
	if err != nil {
		return time.Time{}, err
	}
	t, ok := timestamp(at)
	if !ok {
		return time.Time{}, runtimeError("The value at '%s' of state '%s' is not a timestamp: %s", w.timestamp.text,
			v.state.Name, shorten(at))
	}
	return t, nil
}

// fail is always an error: the one that the Fail state gives.
func (v *visit) fail() error {
	name, err := textAt(v.state.failure.namePath, v.state.failure.name, v.env())
	if err != nil {
		return err
	}
	cause, err := textAt(v.state.failure.causePath, v.state.failure.cause, v.env())
	if err != nil {
		return err
	}
	return &Error{Name: name, Cause: cause}
}

func textAt(p *path, fixed string, data *env) (string, error) {
	if p == nil {
		return fixed, nil
	}
	found, err := p.get(data)
	if err != nil {
		return "", err
	}
	text, ok := found.(string)
	if !ok {
		return "", runtimeError("The value at '%s' is not a string: %s", p.text, shorten(found))
	}
	return text, nil
}
