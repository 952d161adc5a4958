package job

import "time"

// General is how far a general image has come.
type General string

const (
	// GeneralWanted is one that is to be made once the image of the source itself is available.
	GeneralWanted General = "wanted"
	// GeneralDue is one that is to be made now.
	GeneralDue General = "due"
	// GeneralMade is one that is available.
	GeneralMade General = "made"
	// GeneralLeft is one that is wanted, and is made of nothing like the source: its image is not rolled.
	GeneralLeft General = "left"
)

// Clone is an instance that was launched from a source's image, so that what is the source's own can be taken from it.
type Clone struct {
	Instance string `json:"instance,omitempty"`
	// Sent is when it was launched, Booted when both of its status checks had passed, Cleaned when the command had ended
	// well, and ImageSent when its image was asked for.
	Sent      time.Time `json:"sent,omitzero"`
	Booted    time.Time `json:"booted,omitzero"`
	Cleaned   time.Time `json:"cleaned,omitzero"`
	ImageSent time.Time `json:"imageSent,omitzero"`
}

// ImageSent is when the job's image was asked for.
func (j Job) ImageSent() time.Time {
	if j.Raw != nil {
		return j.Clone.ImageSent
	}
	return j.Times.ImageSent
}
