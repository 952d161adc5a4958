// Command lambda wires function retire.
package main

import (
	"goldsmith/functions/retire"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
)

func main() { handler.Start("retire", settings.Load, retire.Wire) }
