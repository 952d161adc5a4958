// Command lambda wires function report.
package main

import (
	"goldsmith/functions/report"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
)

func main() { handler.Start("report", settings.Load, report.Wire) }
