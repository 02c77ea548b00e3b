// Package load sends requests and measures what answering them costs.
//
// It keeps a number of connections busy with requests that were rendered beforehand, holds every answer against the one
// that was found right, and reads the CPU time of the answering process from /proc when the measurement begins and ends.
// The client is written on the socket and allocates nothing for a request, so that on a small machine as much of the
// CPU as can be is left to who is measured. A connection that fails, or an answer that differs, ends the measurement
// with an error.
package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// patience is how long an answer may take.
const patience = 20 * time.Second

// Client is one connection. It isn't safe for concurrent use.
type Client struct {
	conn net.Conn
	in   *bufio.Reader
	body []byte
}

// Dial connects to an address, host:port.
func Dial(address string) (*Client, error) {
	conn, err := net.Dial("tcp", address) //nolint:noctx // to the loopback, where connecting doesn't wait
	if err != nil {
		return nil, err
	}
	return &Client{conn: conn, in: bufio.NewReaderSize(conn, 32<<10)}, nil
}

// Close closes the connection.
func (c *Client) Close() { _ = c.conn.Close() } // whoever is done with it has no use for an error

// Post renders a request with a JSON body, as a GraphQL client sends it.
func Post(address, path string, body []byte) []byte {
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: tributary-bench\r\nAccept: application/json\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n", path, address, len(body))
	return append([]byte(head), body...)
}

// Do sends a rendered request and gives status and body of the answer. The body is valid until the next call.
func (c *Client) Do(request []byte) (status int, body []byte, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, nil, err
	}
	if _, err := c.conn.Write(request); err != nil {
		return 0, nil, err
	}
	status, length, chunked, err := c.head()
	if err != nil {
		return 0, nil, fmt.Errorf("answer: %w", err)
	}
	c.body = c.body[:0]
	if !chunked {
		err = c.take(length)
	} else {
		err = c.chunks()
	}
	return status, c.body, err
}

var errHead = errors.New("not the head of an HTTP response")

// head reads status line and headers.
func (c *Client) head() (status, length int, chunked bool, err error) {
	line, err := c.line()
	if err != nil {
		return 0, 0, false, err
	}
	if len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, 0, false, errHead
	}
	if status = decimal(line[9:12], 10); status < 0 {
		return 0, 0, false, errHead
	}
	length = -1
	for {
		if line, err = c.line(); err != nil {
			return 0, 0, false, err
		}
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			length = decimal(value, 10)
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = string(value) == "chunked"
		}
	}
	if length < 0 && !chunked {
		return 0, 0, false, errHead
	}
	return status, length, chunked, nil
}

func (c *Client) line() ([]byte, error) {
	line, err := c.in.ReadSlice('\n')
	return bytes.TrimRight(line, "\r\n"), err
}

// take reads n bytes of the body.
func (c *Client) take(n int) error {
	from := len(c.body)
	for cap(c.body) < from+n {
		c.body = append(c.body[:cap(c.body)], 0)
	}
	c.body = c.body[:from+n]
	_, err := io.ReadFull(c.in, c.body[from:])
	return err
}

func (c *Client) chunks() error {
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		size := decimal(line, 16)
		if size < 0 {
			return fmt.Errorf("chunk of size %s", strconv.Quote(string(line)))
		}
		if err := c.take(size); err != nil {
			return err
		}
		if _, err := c.in.Discard(len("\r\n")); err != nil || size == 0 {
			return err
		}
	}
}

// decimal reads a number without a sign, -1 for what isn't one.
func decimal(text []byte, base int) int {
	n := 0
	for _, c := range text {
		digit := base
		switch {
		case c >= '0' && c <= '9':
			digit = int(c - '0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			digit = int(c|0x20-'a') + 10
		}
		if digit >= base || n > 1<<30 {
			return -1
		}
		n = n*base + digit
	}
	if len(text) == 0 {
		return -1
	}
	return n
}
