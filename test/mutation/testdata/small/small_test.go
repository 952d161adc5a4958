package small

import (
	"testing"
	"time"
)

func TestAll(t *testing.T) {
	now := time.Unix(1000, 0)
	sum, err := Sum(Options{}, 3)
	_, deep := Sum(Deep(), 3)
	if Least(1, 2) != 1 || Least(2, 1) != 1 || First([]int{4}) != 4 || sum != 2 || err != nil || deep == nil {
		t.Error("wrong")
	}
	if !Late(now.Add(1), now) || Late(now, now.Add(1)) {
		t.Error("late")
	}
}
