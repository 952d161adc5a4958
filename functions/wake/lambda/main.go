// Command lambda wires function wake.
package main

import (
	"goldsmith/functions/wake"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
)

func main() { handler.Start("wake", settings.Load, wake.Wire) }
