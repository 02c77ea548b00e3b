package http1

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
)

// outgoing is a request as bytes.
type outgoing struct {
	buffer  []byte
	address string // host:port
	// body is what is written after the buffer, nil when everything is in there. Whoever sets it to nil closes it.
	body       io.ReadCloser
	length     int64 // of body; negative is unknown
	close      bool  // the connection is not to be used again
	gzip       bool  // we asked for gzip, so we inflate
	repeatable bool  // sending it twice does no harm, and it has no body
}

var outgoings = sync.Pool{New: func() any { return new(outgoing) }}

// release closes the body if nobody took it, and gives the memory back.
func (o *outgoing) release() {
	if o.body != nil {
		_ = o.body.Close()
	}
	buffer := o.buffer[:0]
	if cap(buffer) > inline {
		buffer = nil
	}
	*o = outgoing{buffer: buffer}
	outgoings.Put(o)
}

// encode checks a request and writes it down. Nothing is sent of a request that has a control character in the wrong
// place.
func encode(req *http.Request) (*outgoing, error) {
	o := outgoings.Get().(*outgoing)
	o.body = req.Body
	if err := o.encode(req); err != nil {
		o.release()
		return nil, err
	}
	return o, nil
}

func (o *outgoing) encode(req *http.Request) error {
	method := orDefault(req.Method, http.MethodGet)
	switch {
	case req.URL == nil:
		return errors.New("http1: no URL")
	case req.Header == nil:
		return errors.New("http1: no header")
	case req.URL.Scheme != "http":
		return fmt.Errorf("http1: scheme %q isn't http", req.URL.Scheme)
	case !isToken(method):
		return errors.New("http1: invalid method")
	case method == http.MethodConnect:
		return errors.New("http1: CONNECT is for proxies")
	case len(req.Trailer) > 0:
		return errors.New("http1: requests have no trailer")
	}
	var err error
	if o.address, err = address(req.URL); err != nil {
		return err
	}
	if err := o.line(method, req); err != nil {
		return err
	}
	if err := o.fields(req); err != nil {
		return err
	}
	return o.frame(method, req)
}

// address is where to connect to.
func address(u *url.URL) (string, error) {
	if u.Host == "" || !isHost(u.Host) {
		return "", errors.New("http1: invalid host in the URL")
	}
	if u.Port() != "" {
		return u.Host, nil
	}
	return net.JoinHostPort(u.Hostname(), "80"), nil
}

// line appends the first line and Host.
func (o *outgoing) line(method string, req *http.Request) error {
	o.buffer = append(append(o.buffer[:0], method...), ' ')
	from := len(o.buffer)
	path := req.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	query := req.URL.ForceQuery || req.URL.RawQuery != ""
	service := path == "*" && method == http.MethodOptions && !query
	if req.URL.Opaque != "" || path[0] != '/' && !service {
		return errors.New("http1: the URL has no path")
	}
	o.buffer = append(o.buffer, path...)
	if query {
		o.buffer = append(append(o.buffer, '?'), req.URL.RawQuery...)
	}
	for _, c := range o.buffer[from:] {
		if c <= ' ' || c == 0x7f {
			return errors.New("http1: space or control character in the URL")
		}
	}
	host := orDefault(req.Host, req.URL.Host)
	if !isHost(host) {
		return errors.New("http1: invalid Host")
	}
	o.buffer = append(append(o.buffer, " HTTP/1.1\r\nHost: "...), withoutZone(host)...)
	o.buffer = append(o.buffer, "\r\n"...)
	return nil
}

// withoutZone leaves out the zone of an IPv6 address, which means something on this machine only (RFC 6874).
func withoutZone(host string) string {
	if !strings.HasPrefix(host, "[") {
		return host
	}
	end := strings.LastIndexByte(host, ']')
	zone := strings.LastIndexByte(host[:max(end, 0)], '%')
	if end < 0 || zone < 0 {
		return host
	}
	return host[:zone] + host[end:]
}

// fields appends the header, except for what only we may say: Host, and how long the body is.
func (o *outgoing) fields(req *http.Request) error {
	agent, accepts, ranged := "Go-http-client/1.1", false, false
	for name, values := range req.Header {
		if !isToken(name) {
			return errors.New("http1: invalid name of a header")
		}
		for _, value := range values {
			if !isValue(value) {
				return fmt.Errorf("http1: invalid value of header %s", name)
			}
		}
		first := ""
		if len(values) > 0 {
			first = values[0]
		}
		switch {
		case is(name, "Host"), is(name, "Content-Length"), is(name, "Transfer-Encoding"), is(name, "Trailer"):
			continue
		case is(name, "User-Agent"):
			agent = first
			continue
		case is(name, "Accept-Encoding"):
			accepts = first != ""
		case is(name, "Range"):
			ranged = first != ""
		case is(name, "Connection"):
			o.close = o.close || hasToken(values, "close")
		}
		for _, value := range values {
			o.field(name, value)
		}
	}
	if agent != "" {
		o.field("User-Agent", agent)
	}
	if o.gzip = !accepts && !ranged && req.Method != http.MethodHead; o.gzip {
		o.field("Accept-Encoding", "gzip")
	}
	if req.Close && !o.close {
		o.close = true
		o.field("Connection", "close")
	}
	return nil
}

func (o *outgoing) field(name, value string) {
	o.buffer = append(append(o.buffer, name...), ": "...)
	o.buffer = append(append(o.buffer, textproto.TrimString(value)...), "\r\n"...)
}

// is tells whether a name is the canonical one in any case.
func is(name, canonical string) bool {
	return len(name) == len(canonical) && (name == canonical || strings.EqualFold(name, canonical))
}
