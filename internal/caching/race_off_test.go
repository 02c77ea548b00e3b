//go:build !race

package caching_test

const raced = false
