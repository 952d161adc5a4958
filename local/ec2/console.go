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
