package event_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/event"
)

// all reads a stream to its end: one line for each event.
func all(stream io.Reader, most int) (lines []string, r *event.Reader, err error) {
	r = event.NewReader(stream, most, "0")
	for {
		m, err := r.Next()
		if err != nil {
			return lines, r, err
		}
		lines = append(lines, fmt.Sprintf("%s|%q|%s", m.Type, m.Data, m.ID))
	}
}

// The cases are those of the HTML standard's text, and of its parsing rules one by one.
func TestReader(t *testing.T) {
	for name, c := range map[string]struct {
		stream string
		want   string
		id     string
		retry  time.Duration
	}{
		"lines are joined":        {"data: YHOO\ndata: +2\ndata: 10\n\n", `message|"YHOO\n+2\n10"|0`, "0", 0},
		"comments and ids":        {": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n", `message|"first event"|1 message|"second event"| message|" third event"|`, "", 0},
		"empty data":              {"data\n\ndata\ndata\n\ndata:", `message|""|0 message|"\n"|0`, "0", 0},
		"with and without space":  {"data:test\n\ndata: test\n\n", `message|"test"|0 message|"test"|0`, "0", 0},
		"types":                   {"event: add\ndata: 7\n\nevent: remove\ndata: 8\n\ndata: 9\n\n", `add|"7"|0 remove|"8"|0 message|"9"|0`, "0", 0},
		"a type without data":     {"event: add\n\ndata: 1\n\n", `message|"1"|0`, "0", 0},
		"an id without data":      {"id: 5\n\n", "", "5", 0},
		"an id with NUL":          {"id: 5\x006\ndata: x\n\n", `message|"x"|0`, "0", 0},
		"CR":                      {"data: a\r\rdata: b\r\r", `message|"a"|0 message|"b"|0`, "0", 0},
		"CRLF":                    {"data: a\r\n\r\ndata: b\r\n\r\n", `message|"a"|0 message|"b"|0`, "0", 0},
		"all ends mixed":          {"data: a\r\ndata: b\rdata: c\n\r\n", `message|"a\nb\nc"|0`, "0", 0},
		"byte order mark":         {"\ufeffdata: a\n\n\ufeffdata: b\n\n", `message|"a"|0`, "0", 0},
		"what the end cuts off":   {"data: a\n\ndata: b\n", `message|"a"|0`, "0", 0},
		"fields that aren't any":  {"Data: x\nfoo: y\ndata : z\ndata: a\n\n", `message|"a"|0`, "0", 0},
		"retry":                   {"retry: 1500\n\n", "", "0", 1500 * time.Millisecond},
		"retry that is no number": {"retry: 1500ms\nretry: -1\nretry:\nretry: 99999999999999\n\n", "", "0", 0},
		"not UTF-8":               {"data: \xff\n\n", `message|"�"|0`, "0", 0},
		"colons in data":          {"data: a: b\n\n", `message|"a: b"|0`, "0", 0},
	} {
		t.Run(name, func(t *testing.T) {
			lines, r, err := all(strings.NewReader(c.stream), 1000)
			if got := strings.Join(lines, " "); got != c.want || !errors.Is(err, io.EOF) || r.ID != c.id || r.Retry != c.retry {
				t.Errorf("got  %s\nwant %s\nid %q retry %v err %v", got, c.want, r.ID, r.Retry, err)
			}
		})
	}
}

func TestReaderIsBounded(t *testing.T) {
	for name, c := range map[string]struct {
		stream io.Reader
		want   int
		err    error
	}{
		"a line":          {strings.NewReader("data: " + strings.Repeat("x", 200)), 0, event.ErrTooLong},
		"many lines":      {strings.NewReader(strings.Repeat("data: x\n", 50)), 0, event.ErrTooLong},
		"unknown fields":  {strings.NewReader(strings.Repeat("foo: x\n", 50)), 0, event.ErrTooLong},
		"comments":        {strings.NewReader(strings.Repeat(": still here\n", 1000) + "data: x\n\n"), 1, io.EOF},
		"events together": {strings.NewReader(strings.Repeat("data: "+strings.Repeat("x", 80)+"\n\n", 10)), 10, io.EOF},
		"no line at all":  {iotest.ErrReader(io.ErrUnexpectedEOF), 0, io.ErrUnexpectedEOF},
	} {
		lines, _, err := all(c.stream, 100)
		if len(lines) != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %d events, %v", name, len(lines), err)
		}
	}
}

// How the bytes come doesn't matter, and no event is over the limit.
func FuzzReader(f *testing.F) {
	for _, text := range []string{"data: a\n\n", "event: x\r\ndata\r\rid: 1\n\n", "\ufeffretry: 10\n\ndata: x\n", ": c\n\n\n", "data: \xff\n\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		whole, r1, err1 := all(strings.NewReader(text), 64)
		pieces, r2, err2 := all(iotest.OneByteReader(strings.NewReader(text)), 64)
		if fmt.Sprint(whole) != fmt.Sprint(pieces) || r1.ID != r2.ID || r1.Retry != r2.Retry || !errors.Is(err1, err2) {
			t.Errorf("%q: %v and %v", text, whole, pieces)
		}
		if !errors.Is(err1, io.EOF) && !errors.Is(err1, event.ErrTooLong) {
			t.Errorf("%v", err1)
		}
	})
}
