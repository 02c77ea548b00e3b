//go:build unix

package http1

import "syscall"

// silent tells whether a socket is open and has nothing to read. It never waits: Go's sockets don't block. A byte that
// comes before a request was sent makes the connection useless, so that nothing is lost by reading it.
func silent(fd uintptr) bool {
	var one [1]byte
	_, err := syscall.Read(int(fd), one[:])
	return err == syscall.EAGAIN || err == syscall.EWOULDBLOCK || err == syscall.EINTR
}
