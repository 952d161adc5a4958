"""A session of boto3 with the embedded AWS: what people's own scripts do."""
import boto3
from botocore.exceptions import ClientError

ec2, scaling, sts = (boto3.client(name) for name in ("ec2", "autoscaling", "sts"))
quick = {"Delay": 1, "MaxAttempts": 60}


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return
    raise AssertionError(f"{code} was expected")


assert sts.get_caller_identity()["Account"] == "123456789012"

# Launch, and wait.
template = ec2.create_launch_template(
    LaunchTemplateName="web", LaunchTemplateData={"ImageId": "ami-00000000000000086", "InstanceType": "t3.micro"}
)["LaunchTemplate"]["LaunchTemplateId"]
launched = ec2.run_instances(LaunchTemplate={"LaunchTemplateId": template}, MinCount=7, MaxCount=7)["Instances"]
ids = [i["InstanceId"] for i in launched]
ec2.get_waiter("instance_running").wait(InstanceIds=ids, WaiterConfig=quick)
tags = {t["Key"]: t["Value"] for t in ec2.describe_instances(InstanceIds=ids[:1])["Reservations"][0]["Instances"][0]["Tags"]}
assert tags["aws:ec2launchtemplate:id"] == template, tags

# Pages.
pages = list(ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
assert len(pages) == 2, len(pages)
assert sorted(i["InstanceId"] for p in pages for r in p["Reservations"] for i in r["Instances"]) == sorted(ids)

# Dry runs.
refused("DryRunOperation", ec2.start_instances, InstanceIds=ids, DryRun=True)
refused("InvalidInstanceID.NotFound", ec2.start_instances, InstanceIds=ids + ["i-00000000000000000"], DryRun=True)

# Stop, image, copy, share.
ec2.stop_instances(InstanceIds=ids[:1])
ec2.get_waiter("instance_stopped").wait(InstanceIds=ids[:1], WaiterConfig=quick)
image = ec2.create_image(InstanceId=ids[0], Name="web", NoReboot=True)["ImageId"]
refused("InvalidAMIName.Duplicate", ec2.create_image, InstanceId=ids[0], Name="web")
ec2.get_waiter("image_available").wait(ImageIds=[image], WaiterConfig=quick)
ec2.create_tags(Resources=[image], Tags=[{"Key": "team", "Value": "a"}])
copy = ec2.copy_image(SourceImageId=image, SourceRegion="eu-central-1", Name="copy", CopyImageTags=True)["ImageId"]
ec2.get_waiter("image_available").wait(ImageIds=[copy], WaiterConfig=quick)
shown = ec2.describe_images(ImageIds=[copy])["Images"][0]
assert shown["SourceImageId"] == image and shown["Tags"] == [{"Key": "team", "Value": "a"}], shown
ec2.modify_image_attribute(ImageId=copy, LaunchPermission={"Add": [{"UserId": "210987654321"}]})
permissions = ec2.describe_image_attribute(ImageId=copy, Attribute="launchPermission")["LaunchPermissions"]
assert permissions == [{"UserId": "210987654321"}], permissions

# A group, and its refresh to a new version.
scaling.create_auto_scaling_group(
    AutoScalingGroupName="web", MinSize=1, MaxSize=2, AvailabilityZones=["eu-central-1a"],
    LaunchTemplate={"LaunchTemplateId": template, "Version": "1"},
)
ec2.create_launch_template_version(LaunchTemplateId=template, SourceVersion="1", LaunchTemplateData={"ImageId": image})
scaling.start_instance_refresh(
    AutoScalingGroupName="web", DesiredConfiguration={"LaunchTemplate": {"LaunchTemplateId": template, "Version": "2"}}
)
refreshes = scaling.describe_instance_refreshes(AutoScalingGroupName="web")["InstanceRefreshes"]
assert [r["DesiredConfiguration"]["LaunchTemplate"]["Version"] for r in refreshes] == ["2"]
groups = scaling.get_paginator("describe_auto_scaling_groups").paginate(PaginationConfig={"PageSize": 1})
assert [g["AutoScalingGroupName"] for p in groups for g in p["AutoScalingGroups"]] == ["web"]

print("done")
