package event

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Message is a server-sent event.
type Message struct {
	// Type is "message" where the service names none.
	Type string
	// Data are the event's lines.
	Data string
	// ID is the last that the service has sent, with this event or before.
	ID string
}

// ErrTooLong is the error for a line, or an event, over the limit.
var ErrTooLong = errors.New("an event is over the limit")

// Reader reads an event stream as the HTML standard has it (section 9.2.6).
type Reader struct {
	// Retry is what the service wants to be the pause before the stream is opened again; 0 when it says nothing.
	Retry time.Duration
	// ID is the last event id, for opening the stream again.
	ID string

	lines *bufio.Reader
	most  int
	begun bool
	after bool // the last line ended with CR, so that LF is a part of its end
}

// NewReader reads a stream whose events have most bytes at most. id is the last event id known.
func NewReader(stream io.Reader, most int, id string) *Reader {
	return &Reader{ID: id, lines: bufio.NewReaderSize(stream, 4<<10), most: most}
}

// Next is the next event. An event that the stream's end cuts off isn't one.
func (r *Reader) Next() (Message, error) {
	var data strings.Builder
	kind, some, size := "", false, 0
	for {
		line, err := r.line(r.most - size)
		if err != nil {
			return Message{}, err
		}
		size += len(line)
		if len(line) == 0 {
			if !some {
				kind, size = "", 0
				continue
			}
			if kind == "" {
				kind = "message"
			}
			return Message{Type: kind, Data: strings.TrimSuffix(data.String(), "\n"), ID: r.ID}, nil
		}
		name, value, _ := bytes.Cut(line, []byte{':'})
		value = bytes.TrimPrefix(value, []byte{' '})
		switch string(name) {
		case "event":
			kind = string(value)
		case "data":
			some = true
			data.Write(value)
			data.WriteByte('\n')
		case "id":
			if bytes.IndexByte(value, 0) < 0 {
				r.ID = string(value)
			}
		case "retry":
			r.retry(value)
		case "": // a comment; it counts for nothing, however many there are
			size -= len(line)
		}
	}
}

// retry takes digits only.
func (r *Reader) retry(value []byte) {
	for _, c := range value {
		if c < '0' || c > '9' {
			return
		}
	}
	if ms, err := strconv.ParseInt(string(value), 10, 32); err == nil {
		r.Retry = time.Duration(ms) * time.Millisecond
	}
}

// line reads to CR, LF or both, and gives the line without its end. The stream's first bytes may be a byte order mark.
func (r *Reader) line(most int) ([]byte, error) {
	var line []byte
	for {
		c, err := r.lines.ReadByte()
		if err != nil {
			return nil, err
		}
		if r.after {
			r.after = false
			if c == '\n' {
				continue
			}
		}
		if c == '\n' || c == '\r' {
			r.after = c == '\r'
			if !r.begun {
				r.begun = true
				line = bytes.TrimPrefix(line, []byte("\ufeff"))
			}
			if !utf8.Valid(line) {
				line = bytes.ToValidUTF8(line, []byte("\ufffd"))
			}
			return line, nil
		}
		if len(line) >= most {
			return nil, ErrTooLong
		}
		line = append(line, c)
	}
}
