package ec2

import (
	"encoding/base64"

	"goldsmith/local/query"
)

// getConsoleOutput is what the instance wrote when it booted (API reference, GetConsoleOutput).
func getConsoleOutput(w *World, call *query.Call) error {
	i, err := w.instanceNamed(call.Params)
	if err != nil {
		return err
	}
	call.Out.Text("instanceId", i.id)
	call.Out.Time("timestamp", w.now)
	if i.state == Running {
		call.Out.Text("output", base64.StdEncoding.EncodeToString([]byte("booted as "+i.id+"\r\n")))
	}
	return nil
}

// getInstanceUefiData is the instance's store of UEFI variables (API reference, GetInstanceUefiData). How EC2 refuses
// it of an instance without UEFI is not documented (docs/unverified.md).
func getInstanceUefiData(w *World, call *query.Call) error {
	i, err := w.instanceNamed(call.Params)
	if err != nil {
		return err
	}
	if currentBootMode(i) != "uefi" {
		return query.Errorf("UnsupportedOperation", "The instance %s has no UEFI data: its boot mode is not uefi.", i.id)
	}
	call.Out.Text("instanceId", i.id)
	call.Out.Optional("uefiData", i.uefiData)
	return nil
}

// SetUEFIData is what an instance's system does that writes UEFI variables.
func (w *World) SetUEFIData(instanceID, data string) {
	w.lock()
	defer w.unlock()
	w.instances.change(w.now, instanceID, func(i *instance) { i.uefiData = data })
}
