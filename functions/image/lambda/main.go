// Command lambda wires function image.
package main

import (
	"goldsmith/functions/image"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
)

func main() { handler.Start("image", settings.Load, image.Wire) }
