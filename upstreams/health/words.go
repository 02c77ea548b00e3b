package health

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// TimeoutWord is what Words calls a time that is over.
const TimeoutWord = "timeout"

// Words says in a word or two why an exchange failed. The texts are a closed set: no address, no text of a service's.
func Words(err error) string {
	var timeout interface{ Timeout() bool }
	var status StatusError
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var alert tls.AlertError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &status):
		return strconv.Itoa(int(status))
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection reset"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "unreachable"
	case errors.As(err, &dns):
		return "name not resolved"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return TimeoutWord
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "answer cut off"
	case errors.As(err, &certificate), errors.As(err, &authority), errors.As(err, &host), errors.As(err, &alert):
		return "TLS failed"
	}
	return "failed"
}

// StatusError is an answer whose status is none of those that were wanted.
type StatusError int

func (e StatusError) Error() string { return "status " + strconv.Itoa(int(e)) }

// list joins the reasons of failures, the oldest first; no more than five of them are written.
func list(reasons []string) string {
	if most := 5; len(reasons) > most {
		return "…, " + strings.Join(reasons[len(reasons)-most:], ", ")
	}
	return strings.Join(reasons, ", ")
}

// remember keeps the last few reasons.
func remember(reasons []string, reason string) []string {
	if len(reasons) > 5 {
		reasons = append(reasons[:0], reasons[1:]...)
	}
	return append(reasons, word(reason))
}

func word(reason string) string {
	if reason == "" {
		return "failed"
	}
	return reason
}
