package permissions

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
)

const keyID = ":key/1234abcd-12ab-34cd-56ef-1234567890ab"

// theirKey is one of another account, which is listed.
var theirKey = "arn:aws:kms:" + here.Region + ":777777777777" + keyID

// underKeys is a plan's instance with a volume under another account's key, and a request for one under a key that is
// disabled, which claim answers.
func underKeys(n *night) {
	disabled := here.ARN("kms", strings.TrimPrefix(keyID, ":"))
	web := n.launch(ec2.ImageX86, "", enrolled("web", "nightly"), under(theirKey))
	lab := n.launch(ec2.ImageX86, "", map[string]string{"Name": "lab"}, under(disabled))
	n.EC2.SetKey(disabled, ec2.KeyDisabled)
	n.tag(lab, map[string]string{tag.Request: "asked"})
	n.run(due)
	n.want("ending", n.result(web).Ending, job.Imaged)
	n.want("reason", n.result(lab).Skip.Code, job.CannotStart)
}

func under(key string) func(*sdk.RunInstancesInput) {
	return func(in *sdk.RunInstancesInput) {
		in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdf"),
			Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(8), Encrypted: aws.Bool(true), KmsKeyId: aws.String(key)}}}
	}
}
