//go:build race

package security_test

// slower is by how much the race detector may slow the gateway down.
const slower = 20
