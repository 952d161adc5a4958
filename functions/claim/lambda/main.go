// Command lambda wires function claim.
package main

import (
	"goldsmith/functions/claim"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
)

func main() { handler.Start("claim", settings.Load, claim.Wire) }
