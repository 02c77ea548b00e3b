package placeholder

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"strconv"
)

// Serve answers the connections of a listener until it is closed; then it returns nil.
//
//	GET /posts               all posts
//	GET /posts/7             one
//	GET /users/2             one
//	GET /users?id=2&id=5     some, in the order of the ids asked for
//
// Requests that have a body aren't understood.
func (r *Rows) Serve(listener net.Listener) error {
	for {
		c, err := listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			return err
		}
		go r.converse(c)
	}
}

// converse answers one connection's requests, one after the other.
func (r *Rows) converse(c net.Conn) {
	defer func() { _ = c.Close() }() // the answers were written or weren't
	in := bufio.NewReader(c)
	var target, out []byte
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		_, rest, _ := bytes.Cut(line, []byte(" "))
		wanted, _, ok := bytes.Cut(rest, []byte(" "))
		if !ok {
			return
		}
		target = append(target[:0], wanted...)
		for len(bytes.TrimRight(line, "\r\n")) > 0 {
			if line, err = in.ReadSlice('\n'); err != nil {
				return
			}
		}
		out = r.AppendResponse(out[:0], target)
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

// AppendResponse appends the HTTP response to GET target.
func (r *Rows) AppendResponse(dst, target []byte) []byte {
	path, query, _ := bytes.Cut(target, []byte("?"))
	switch {
	case string(path) == "/posts":
		return append(begin(dst, "200 OK", len(r.list)), r.list...)
	case bytes.HasPrefix(path, []byte("/posts/")):
		return one(dst, r.post, path[len("/posts/"):])
	case bytes.HasPrefix(path, []byte("/users/")):
		return one(dst, r.user, path[len("/users/"):])
	case string(path) == "/users":
		return r.some(dst, query)
	default:
		return append(begin(dst, "404 Not Found", len("{}")), "{}"...)
	}
}

func begin(dst []byte, status string, length int) []byte {
	dst = append(append(append(dst, "HTTP/1.1 "...), status...), "\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: "...)
	return append(strconv.AppendInt(dst, int64(length), 10), "\r\n\r\n"...)
}

func one(dst []byte, rows [][]byte, id []byte) []byte {
	row := find(rows, id)
	if row == nil {
		return append(begin(dst, "404 Not Found", len("{}")), "{}"...)
	}
	return append(begin(dst, "200 OK", len(row)), row...)
}

func find(rows [][]byte, id []byte) []byte {
	n := 0
	for _, c := range id {
		if c < '0' || c > '9' || n > len(rows) {
			return nil
		}
		n = n*10 + int(c-'0')
	}
	if n < 1 || n > len(rows) {
		return nil
	}
	return rows[n-1]
}

// some answers /users?id=…
func (r *Rows) some(dst, query []byte) []byte {
	length := len("[\n\n]")
	count := 0
	each(query, func(id []byte) {
		if item := find(r.items, id); item != nil {
			length += len(item) + len(",\n")
			count++
		}
	})
	if count > 0 {
		length -= len(",\n")
	}
	dst = append(begin(dst, "200 OK", length), "[\n"...)
	first := true
	each(query, func(id []byte) {
		item := find(r.items, id)
		if item == nil {
			return
		}
		if !first {
			dst = append(dst, ",\n"...)
		}
		first = false
		dst = append(dst, item...)
	})
	return append(dst, "\n]"...)
}

// each calls do with the values of id in a query.
func each(query []byte, do func(id []byte)) {
	for len(query) > 0 {
		var pair []byte
		pair, query, _ = bytes.Cut(query, []byte("&"))
		if id, ok := bytes.CutPrefix(pair, []byte("id=")); ok {
			do(id)
		}
	}
}
