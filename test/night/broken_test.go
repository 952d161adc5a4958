package night_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/states"
	"goldsmith/local/suite"
	"goldsmith/shared/job"
)

// amongOthers plays a night in which something happens to one of four sources:
// the others must be imaged whatever becomes of it.
func amongOthers(t *testing.T, story func(n *night, web, template string), told func(n *night, r states.Execution, web string)) {
	t.Helper()
	play(t, suite.Options{}, func(n *night) {
		web := n.launch("web", "")
		others := []string{n.launch("api", ""), n.launch("db", "gp3 st1"), n.launch("rest", "stopped")}
		template := n.template("web", "web", "t3.micro", ec2.ImageX86)
		n.begin()
		story(n, web, template)
		r := n.run()[0]
		for _, id := range others {
			n.wasImaged(r, id)
		}
		n.want("status", r.Status, asl.Succeeded)
		told(n, r, web)
	})
}

const denied = "UnauthorizedOperation"

// A call that is refused for good ends that source's way, and nothing else.
func TestACallRefusedForGood(t *testing.T) {
	for _, c := range []struct {
		action string
		ending job.Ending
		stops  int
		state  ec2.State
	}{
		{"StopInstances", job.Broken, 1, ec2.Running},
		{"CreateImage", job.Broken, 1, ec2.Running},
		{"StartInstances", job.LeftStopped, 1, ec2.Stopped},
	} {
		t.Run(c.action, func(t *testing.T) {
			amongOthers(t, func(n *night, web, _ string) {
				n.EC2.Inject(ec2.Fault{Action: c.action, Resource: web, Code: denied, Status: 403})
				n.excused.dead = c.ending == job.LeftStopped // a sweep that cannot start it fails, and is an alarm
			}, func(n *night, r states.Execution, web string) {
				n.hasFailed(r, web, c.ending, denied)
				n.want("state", n.EC2.State(web), c.state)
				n.saysOf(r, "PARTIAL: nightly", "3 imaged")
			})
		})
	}
}

// Once starting is allowed again, recover brings the instance back by itself.
func TestAStartRefusedForAnHour(t *testing.T) {
	amongOthers(t, func(n *night, web, _ string) {
		n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: web, Code: denied, Status: 403, Until: due.Add(time.Hour)})
		n.excused.dead = true
	}, func(n *night, r states.Execution, web string) {
		n.hasFailed(r, web, job.LeftStopped, denied)
		n.saysOf(r, "Left stopped", "aws ec2 start-instances --instance-ids "+web)
		time.Sleep(time.Until(due.Add(time.Hour + 2*sweep)))
		n.want("state", n.EC2.State(web), ec2.Running)
		n.want("ending", n.results(r)[web].Ending, job.Broken)
	})
}

// What cannot be rolled keeps its image, and is said; the source is imaged all the same.
func TestARollRefusedForGood(t *testing.T) {
	for action, failed := range map[string]string{
		"CreateLaunchTemplateVersion": "making a version with ami-", "ModifyLaunchTemplate": "making version 2 the default",
	} {
		t.Run(action, func(t *testing.T) {
			amongOthers(t, func(n *night, _, template string) {
				n.EC2.Inject(ec2.Fault{Action: action, Resource: template, Code: denied, Status: 403})
			}, func(n *night, r states.Execution, web string) {
				n.wasImaged(r, web)
				n.want("template's image", aws.ToString(n.defaults()[0].LaunchTemplateData.ImageId), ec2.ImageX86)
				n.saysOf(r, "PARTIAL", "Not rolled", "web", failed)
			})
		})
	}
}

func TestAnAliasThatCannotBeWritten(t *testing.T) {
	amongOthers(t, func(n *night, _, _ string) {
		// Somebody has made a list of it: Parameter Store does not change a parameter's type.
		must(n.ssm.PutParameter(n.ctx, &ssm.PutParameterInput{
			Name: aws.String("/goldsmith/images/web"), Value: aws.String("a,b"), Type: ssmtypes.ParameterTypeStringList,
		}))(n.t)
	}, func(n *night, r states.Execution, web string) {
		n.wasImaged(r, web)
		n.saysOf(r, "PARTIAL", "Not rolled", "/goldsmith/images/web")
	})
}

// The image is made and the instance runs, but the note on it cannot be
// written: the image counts, and nothing is held.
func TestANoteThatCannotBeWritten(t *testing.T) {
	amongOthers(t, func(n *night, web, _ string) {
		n.EC2.Inject(ec2.Fault{Action: "CreateTags", Resource: web, Code: denied, Status: 403})
	}, func(n *night, r states.Execution, web string) {
		n.want("ending", n.results(r)[web].Ending, job.Imaged)
		n.want("images", len(n.imagesOf(web)), 1)
	})
}

func TestAnImageThatIsLost(t *testing.T) {
	for _, state := range []string{"failed", "error", "invalid"} {
		t.Run(state, func(t *testing.T) {
			amongOthers(t, func(n *night, web, _ string) {
				n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: web, ImageState: state, Message: "Client.InternalError: no luck"})
			}, func(n *night, r states.Execution, web string) {
				n.hasFailed(r, web, job.Broken, "is "+state)
				n.saysOf(r, "PARTIAL", "no luck")
				n.want("template's image", aws.ToString(n.defaults()[0].LaunchTemplateData.ImageId), ec2.ImageX86)
			})
		})
	}
}

// The snapshots are made, and come to nothing while the instance is still down.
func TestSnapshotsInError(t *testing.T) {
	amongOthers(t, func(n *night, web, _ string) {
		n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: web, SnapshotError: true, Message: "the key is disabled"})
	}, func(n *night, r states.Execution, web string) {
		n.hasFailed(r, web, job.Broken, "failed: the key is disabled")
		n.saysOf(r, "PARTIAL")
		n.want("down for minutes only", n.results(r)[web].Times.Downtime() < 5*time.Minute, true)
	})
}

// An image may look available and be pending again.
func TestAnImageThatIsPendingAgain(t *testing.T) {
	amongOthers(t, func(n *night, web, _ string) {
		n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: web, PendingAgain: 10 * time.Minute})
	}, func(n *night, r states.Execution, web string) {
		n.want("ending", n.results(r)[web].Ending, job.Imaged)
		time.Sleep(20 * time.Minute)
		n.wasImaged(r, web)
	})
}

func TestAnInstanceThatHangsInStopping(t *testing.T) {
	amongOthers(t, func(n *night, web, _ string) {
		n.EC2.Inject(ec2.Fault{Action: "StopInstances", Resource: web, Stuck: true})
	}, func(n *night, r states.Execution, web string) {
		n.hasFailed(r, web, job.LeftStopped, "is not stopped")
		n.saysOf(r, "PARTIAL", "Left stopped")
		n.want("state", n.EC2.State(web), ec2.Stopping)
		must(n.cloud.StopInstances(n.ctx, &sdk.StopInstancesInput{InstanceIds: []string{web}, Force: aws.Bool(true)}))(n.t)
		time.Sleep(3 * sweep)
		n.want("state after a person forced it", n.EC2.State(web), ec2.Running)
	})
}

func TestAnInstanceTerminatedInTheMiddle(t *testing.T) {
	for _, step := range []string{"stop", "watch:stopped", "image", "watch:snapshotted", "start", "watch:running", "watch:available", "roll", "release"} {
		t.Run(step, func(t *testing.T) {
			amongOthers(t, func(n *night, web, _ string) {
				n.at(step, web, func(work) {
					_, err := n.cloud.TerminateInstances(n.ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{web}})
					n.ok(err)
				})
			}, func(n *night, r states.Execution, web string) {
				result := n.results(r)[web]
				late := step == "watch:available" || step == "roll" || step == "release"
				if late && result.Ending == job.Imaged {
					return
				}
				n.want("ending", result.Ending, job.Broken)
				n.saysOf(r, "PARTIAL", web)
			})
		})
	}
}

func TestStopProtectionSwitchedOnInTime(t *testing.T) {
	amongOthers(t, func(n *night, web, _ string) {
		n.at("stop", web, func(work) {
			_, err := n.cloud.ModifyInstanceAttribute(n.ctx, &sdk.ModifyInstanceAttributeInput{
				InstanceId: aws.String(web), DisableApiStop: &types.AttributeBooleanValue{Value: aws.Bool(true)},
			})
			n.ok(err)
		})
	}, func(n *night, r states.Execution, web string) {
		n.hasFailed(r, web, job.Broken, "OperationNotPermitted")
		n.saysOf(r, "PARTIAL", "Switch stop protection off")
		n.want("starts", len(n.callsOf("StartInstances", web)), 0)
	})
}

func TestNoRoomToStartForAnHour(t *testing.T) {
	amongOthers(t, func(n *night, web, _ string) {
		n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: web, Code: "InsufficientInstanceCapacity", Until: due.Add(time.Hour)})
	}, func(n *night, r states.Execution, web string) {
		n.wasImaged(r, web)
		down := n.results(r)[web].Times.Downtime()
		n.want("down for the hour and little more", down > 55*time.Minute && down < 70*time.Minute, true)
	})
}

// A KMS grant that is missing: StartInstances is answered well, and the
// instance falls back to stopped.
func TestAStartThatFallsBack(t *testing.T) {
	amongOthers(t, func(n *night, web, _ string) {
		n.EC2.Inject(ec2.Fault{
			Action: "StartInstances", Resource: web, StartReason: "Client.InternalError",
			Message: "Client.InternalError: Client error on launch", Until: due.Add(30 * time.Minute),
		})
	}, func(n *night, r states.Execution, web string) {
		n.hasFailed(r, web, job.LeftStopped, "went back to stopped")
		n.saysOf(r, "Client error on launch")
		time.Sleep(time.Until(due.Add(time.Hour)))
		n.want("state", n.EC2.State(web), ec2.Running)
	})
}

// Answers that are lost on the way: the call has had its effect.
func TestEveryAnswerLostOnce(t *testing.T) {
	for _, action := range []string{"StopInstances", "CreateImage", "StartInstances", "CreateTags", "CreateLaunchTemplateVersion", "ModifyLaunchTemplate"} {
		t.Run(action, func(t *testing.T) {
			amongOthers(t, func(n *night, _, _ string) {
				n.EC2.Inject(ec2.Fault{Action: action, Nth: []int{1}, Drop: true})
			}, func(n *night, r states.Execution, web string) {
				n.wasImaged(r, web)
				n.want("its image is rolled", aws.ToString(n.defaults()[0].LaunchTemplateData.ImageId), n.results(r)[web].Image.ID)
				n.want("version", *n.defaults()[0].VersionNumber, 2)
				n.want("FAILED", strings.Contains(n.said(), "FAILED"), false)
			})
		})
	}
}
