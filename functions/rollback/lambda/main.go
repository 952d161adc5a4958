// Command lambda wires function rollback.
package main

import (
	"goldsmith/functions/rollback"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
)

func main() { handler.Start("rollback", settings.Load, rollback.Wire) }
