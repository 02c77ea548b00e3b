//go:build race

package body

// raced says that the program was built with the race detector.
const raced = true
