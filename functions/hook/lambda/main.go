// Command lambda wires function hook.
package main

import (
	"goldsmith/functions/hook"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
)

func main() { handler.Start("hook", settings.Load, hook.Wire) }
