// Command lambda wires function verify.
package main

import (
	"goldsmith/functions/verify"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
)

func main() { handler.Start("verify", settings.Load, verify.Wire) }
