package http1

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"strings"
)

// mostInformational is how many 1xx answers are skipped.
const mostInformational = 5

// answer reads the head of the answer to a request. Of limit bytes nothing is read that isn't needed.
func (in *incoming) answer(req *http.Request, limit int64) (*http.Response, framing, error) {
	for range mostInformational + 1 {
		head, err := in.block(&limit, false)
		if err != nil {
			return nil, framing{}, err
		}
		res, err := parseHead(head)
		switch {
		case err != nil:
			return nil, framing{}, err
		case res.StatusCode == http.StatusSwitchingProtocols:
			return nil, framing{}, invalid("another protocol than was asked for")
		case res.StatusCode < 200:
			continue
		}
		res.Request = req
		frame, err := frameOf(res)
		return res, frame, err
	}
	return nil, framing{}, invalid("too many informational answers")
}

// block reads lines to the next empty one. It gives them without that, and takes all bytes off the limit. In a head, a line
// may end without CR, as some services have it (RFC 9112, section 2.2).
func (in *incoming) block(limit *int64, strict bool) (string, error) {
	in.head = in.head[:0]
	line := 0 // where the line starts
	for {
		part, err := in.ReadSlice('\n')
		if *limit -= int64(len(part)); *limit < 0 {
			return "", invalid("header too big")
		}
		in.head = append(in.head, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == io.EOF: //nolint:errorlint // ReadSlice gives it bare
			return "", io.ErrUnexpectedEOF
		case err != nil:
			return "", err
		}
		length := len(in.head) - line
		if strict && (length == 1 || in.head[len(in.head)-2] != '\r') {
			return "", invalid("a line ends without CR")
		}
		if length == 1 || length == 2 && in.head[line] == '\r' {
			return string(in.head[:line]), nil
		}
		line = len(in.head)
	}
}

// parseHead reads a status line and a header. All texts are parts of head.
func parseHead(head string) (*http.Response, error) {
	line, fields, _ := strings.Cut(head, "\n")
	line = strings.TrimSuffix(line, "\r")
	// "HTTP/1.1 200 OK": the reason may be empty, and the space before it missing.
	if len(line) < len("HTTP/1.1 200") || line[:7] != "HTTP/1." || !isDigit(line[7]) || line[8] != ' ' ||
		!isDigit(line[9]) || !isDigit(line[10]) || !isDigit(line[11]) || len(line) > 12 && line[12] != ' ' || !isValue(line) {
		return nil, invalid("malformed status line")
	}
	code := int(line[9]-'0')*100 + int(line[10]-'0')*10 + int(line[11]-'0')
	if code < 100 {
		return nil, invalid("no such status")
	}
	header, err := parseFields(fields)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: line[9:], StatusCode: code, Proto: line[:8], ProtoMajor: 1, ProtoMinor: int(line[7] - '0'), Header: header,
	}, nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// usual is how many fields memory is taken for before it is known that their names differ.
const usual = 64

// parseFields reads lines of names and values. A line that goes on in the next is refused (RFC 9112, section 5.2), as are
// spaces around a name, which some would ignore (section 5.1).
func parseFields(lines string) (http.Header, error) {
	n := strings.Count(lines, "\n")
	header, values := make(http.Header, min(n, usual)), make([]string, n)
	for lines != "" {
		var line string
		line, lines, _ = strings.Cut(lines, "\n")
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\r"), ":")
		if !ok || !isToken(name) || !isValue(value) {
			return nil, invalid("malformed header")
		}
		if !isCanonical(name) {
			name = textproto.CanonicalMIMEHeaderKey(name)
		}
		value = textproto.TrimString(value)
		if before := header[name]; before != nil {
			header[name] = append(before, value)
			continue
		}
		values[0] = value
		header[name], values = values[:1:1], values[1:]
	}
	return header, nil
}
