// Command lambda wires function share.
package main

import (
	"goldsmith/functions/share"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
)

func main() { handler.Start("share", settings.Load, share.Wire) }
