package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Decode reads plans as encoding/json writes them after planfile read them:
// every choice made. Unknown keys and values out of range are errors.
func Decode(text []byte) (Plans, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var plans Plans
	if err := decoder.Decode(&plans); err != nil {
		return Plans{}, fmt.Errorf("decoding plans: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Plans{}, errors.New("decoding plans: something follows the plans")
	}
	var wrong []error
	for _, p := range plans.Check() {
		wrong = append(wrong, errors.New(p.String()))
	}
	if len(wrong) > 0 {
		return Plans{}, fmt.Errorf("decoding plans: %w", errors.Join(wrong...))
	}
	return plans, nil
}
