// Command lambda wires function select.
package main

import (
	selection "goldsmith/functions/select"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
)

func main() { handler.Start("select", settings.Load, selection.Wire) }
