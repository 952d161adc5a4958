// Command lambda wires function recover.
package main

import (
	recovery "goldsmith/functions/recover"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
)

func main() { handler.Start("recover", settings.Load, recovery.Wire) }
