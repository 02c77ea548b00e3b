//go:build !race

package security_test

const slower = 1
