// Command lambda wires function watch.
package main

import (
	"goldsmith/functions/watch"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
)

func main() { handler.Start("watch", settings.Load, watch.Wire) }
