package members

import (
	"encoding/base64"

	local "goldsmith/local/ec2"
)

// hints are values of use, by action and member, member, or field.
var hints = map[string]func(*world) []any{
	"ImageId":            func(w *world) []any { return []any{w.ids["image"], local.ImageX86} },
	"ImageIds[]":         func(w *world) []any { return []any{w.ids["image"]} },
	"InstanceId":         func(w *world) []any { return []any{w.ids["instance"], w.ids["stopped"]} },
	"InstanceIds[]":      func(w *world) []any { return []any{w.ids["stopped"], w.ids["member"]} },
	"SnapshotId":         func(w *world) []any { return []any{w.ids["snapshot"]} },
	"SnapshotIds[]":      func(w *world) []any { return []any{w.ids["snapshot"]} },
	"VolumeIds[]":        func(w *world) []any { return []any{w.ids["volume"]} },
	"SubnetId":           func(w *world) []any { return []any{w.ids["subnet"]} },
	"SubnetIds[]":        func(w *world) []any { return []any{w.ids["subnet"]} },
	"SecurityGroupIds[]": func(w *world) []any { return []any{w.ids["group"]} },
	"SecurityGroups[]":   func(*world) []any { return []any{"made"} },
	"UserData":           func(*world) []any { return []any{base64.StdEncoding.EncodeToString([]byte("#!/bin/sh"))} },
	"AvailabilityZone":   func(*world) []any { return []any{"eu-central-1b"} },
	"DeviceName":         func(*world) []any { return []any{"/dev/xvda"} },
	"Resources[]":        func(w *world) []any { return []any{w.ids["stopped"]} },
	"InstanceType":       func(*world) []any { return []any{"t3.small", "t3.large"} },
	"Filters[].Name":     func(*world) []any { return []any{"sample"} },
}

// unseen are members whose effect nothing shows, with the reason.
var unseen = map[string]string{}
