// Command lambda wires function release.
package main

import (
	"goldsmith/functions/release"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
)

func main() { handler.Start("release", settings.Load, release.Wire) }
