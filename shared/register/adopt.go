package register

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/image"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
)

// Candidate is an image that a person wants registered: what its registration says, and why it is
// not to be registered.
type Candidate struct {
	ledger.Registration
	State string `json:"state"`
	// Why is empty for one that is, or would be, registered.
	Why string `json:"why,omitempty"`
}

// Adopt is the registration of an image that was made before, by what EC2 shows of it, with those of its snapshots that
// were made with it. Its name, plan and run are its tags, which anyone may write; what else it says cannot be changed.
func Adopt(i types.Image, snapshots []string, by string) Candidate {
	tags := tag.Map(i.Tags)
	made, err := time.Parse(time.RFC3339, aws.ToString(i.CreationDate))
	r := ledger.Registration{
		Kind: ledger.MadeImage, Name: tags[tag.Name], Plan: tags[tag.Plan], Run: tags[tag.Run], AMIName: aws.ToString(i.Name),
		ID: aws.ToString(i.ImageId), Good: true, Begun: made, Adopted: by,
	}
	instance, parent := aws.ToString(i.SourceInstanceId), aws.ToString(i.SourceImageId)
	switch {
	case instance != "":
		r.Call, r.Lineage, r.Source = ledger.CreateImage, instance, instance
	case parent != "":
		r.Call, r.Lineage, r.Source = ledger.CopyImage, parent, parent
		r.From, r.FromRegion = parent, aws.ToString(i.SourceImageRegion)
	default:
		r.Call, r.From, r.Lineage, r.Source = ledger.RegisterImage, Root(i), Root(i), Root(i)
	}
	if r.Call != ledger.RegisterImage { // What it is given was there before.
		r.Snapshots = snapshots
	}
	if r.Name == "" {
		r.Name = r.Source
	}
	c := Candidate{Registration: r, State: string(i.State)}
	if err == nil {
		err = adoptable(r, i, tags)
	}
	if err != nil {
		c.Why = err.Error()
	}
	return c
}

// adoptable is nil when the image can be registered. IAM's second lock lets nothing be removed that does not
// carry the tag.
func adoptable(r ledger.Registration, i types.Image, tags map[string]string) error {
	switch {
	case tags[tag.Managed] != "true":
		return fmt.Errorf("it does not carry the tag %s=true", tag.Managed)
	case r.Plan == "":
		return fmt.Errorf("it does not say its plan in the tag %s", tag.Plan)
	case i.State != types.ImageStateAvailable && i.State != types.ImageStateDisabled:
		return fmt.Errorf("it is %s", i.State)
	}
	return Image(r, i)
}

// Made is nil when what EC2 shows of an image, and cannot be changed, says what its tags say: CreateImage made it
// of that instance under the name that only that run gives it.
func Made(i types.Image) error {
	tags, instance := tag.Map(i.Tags), aws.ToString(i.SourceInstanceId)
	source, run := tags[tag.Source], tags[tag.Run]
	switch {
	case instance == "":
		return errors.New("it was not made of an instance: it is a copy, or was registered of a snapshot")
	case source != instance:
		return fmt.Errorf("its source instance is %s, and the tag %s says %q", instance, tag.Source, source)
	case run == "":
		return fmt.Errorf("it does not say its run in the tag %s", tag.Run)
	case !image.Derived(aws.ToString(i.Name), source, tags[tag.Name], run):
		return fmt.Errorf("its name %q is not what Goldsmith calls the image of %s by run %s",
			aws.ToString(i.Name), source, run)
	}
	return nil
}
