// Package model has the objects of the nasty schema. What happens to a field depends on nothing but its object and its
// name, so that two executors see the same trouble.
package model

import (
	"errors"
	"fmt"
	"hash/fnv"
)

// Fate is what happens when a field is resolved.
type Fate int

// The fates, worst last.
const (
	Fine Fate = iota
	Nil
	Fails
	Panics
	Complains // adds an error itself, and has nil
)

// FateOf is rarely anything but Fine.
func FateOf(key int, field string) Fate {
	switch h := Hash(key, field) % 100; {
	case h < 88:
		return Fine
	case h < 92:
		return Nil
	case h < 96:
		return Fails
	case h < 98:
		return Panics
	default:
		return Complains
	}
}

// Hash gives the key of an object that a field of another leads to.
func Hash(key int, field string) int {
	h := fnv.New32a()
	_, _ = fmt.Fprintf(h, "%d.%s", key, field) // a hash takes everything
	return int(h.Sum32() >> 8)
}

// Fail is the error of a field.
func Fail(key int, field string) error { return fmt.Errorf("%s of %d failed", field, key) }

// property applies the fate of a field that can't be nil.
func property(key int, field string) error {
	switch FateOf(key, field) {
	case Fails:
		return Fail(key, field)
	case Panics:
		panic(errors.New(field))
	default:
		return nil
	}
}
