// Package newcomer walks the README from clone to uninstall.
package newcomer
