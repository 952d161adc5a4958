// Command lambda wires function refresh.
package main

import (
	"goldsmith/functions/refresh"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
)

func main() { handler.Start("refresh", settings.Load, refresh.Wire) }
