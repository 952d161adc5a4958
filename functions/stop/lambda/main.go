// Command lambda wires function stop.
package main

import (
	"goldsmith/functions/stop"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
)

func main() { handler.Start("stop", settings.Load, stop.Wire) }
