// Command lambda wires function snapshot.
package main

import (
	"goldsmith/functions/snapshot"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
)

func main() { handler.Start("snapshot", settings.Load, snapshot.Wire) }
