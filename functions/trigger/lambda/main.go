// Command lambda wires function trigger.
package main

import (
	"goldsmith/functions/trigger"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
)

func main() { handler.Start("trigger", settings.Load, trigger.Wire) }
