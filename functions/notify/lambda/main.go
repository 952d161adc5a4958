// Command lambda wires function notify.
package main

import (
	"goldsmith/functions/notify"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
)

func main() { handler.Start("notify", settings.Load, notify.Wire) }
