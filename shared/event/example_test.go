package event_test

import (
	"fmt"

	"goldsmith/events"
	"goldsmith/shared/event"
)

// EC2 says that an instance has stopped.
func ExampleDecode() {
	raw, err := events.Sample("instance-stopped")
	if err != nil {
		panic(err)
	}
	e, err := event.Decode(raw, event.Home{Account: "123456789012", Region: "eu-central-1"})
	fmt.Printf("%T %[1]v %v\n", e, err)
	// An event of another Region is ignored.
	e, err = event.Decode(raw, event.Home{Account: "123456789012", Region: "us-east-1"})
	fmt.Printf("%T %v\n", e, err)
	// Output:
	// event.InstanceChanged {i-0a1b2c3d4e5f60718 stopped} <nil>
	// event.Ignored <nil>
}
