// Command lambda wires function start.
package main

import (
	"goldsmith/functions/start"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
)

func main() { handler.Start("start", settings.Load, start.Wire) }
