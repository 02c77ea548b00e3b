//go:build !unix

package http1

// silent is not known here: a connection that was closed while idle is noticed when it is used.
func silent(uintptr) bool { return true }
