// Command mutation finds out what the tests of the packages that keep the two promises would miss: it changes one
// thing at a time in a package and runs the tests that reach the change. A change that no test notices survives.
//
// All changes of a package are compiled into one test binary, each behind a switch of its own, so that one of them
// costs a run of its tests and no build. It writes what came of them into docs/reliability.md.
package main
