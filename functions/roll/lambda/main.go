// Command lambda wires function roll.
package main

import (
	"goldsmith/functions/roll"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
)

func main() { handler.Start("roll", settings.Load, roll.Wire) }
