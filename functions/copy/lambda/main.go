// Command lambda wires function copy.
package main

import (
	copying "goldsmith/functions/copy"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
)

func main() { handler.Start("copy", settings.Load, copying.Wire) }
