// Package multipart writes bodies of the type multipart/form-data, with files that come while they are sent.
//
// It knows how values and files become parts, and nothing of where they are sent. A body is read once, by whoever sends
// it: as it is read, so are its files, one after the other, so that a service that reads slowly slows down the client that
// sends the file. For that reason a request with such a body can't be repeated. What clients choose, names and types of
// files, is written so that it stays one value of one header. An error of a file ends the body with that error.
package multipart

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
)

// File is a file that knows more of itself when it has come than before.
type File interface {
	io.Reader
	// Head waits until the file comes.
	Head() (name, contentType string, err error)
	// Size is the file's length, -1 while it isn't known.
	Size() int64
}

// Field is one field of a form. A value is what arguments are: nil, bool, numbers, json.Number, string, []any,
// map[string]any, and graphql.Upload. Of nil there is no part, of a list one part for each item, of an object one of JSON.
type Field struct {
	Name  string
	Value any
}

// FromArgs makes fields of arguments, in the order of names; those that weren't given are left out.
func FromArgs(args map[string]any, names []string) []Field {
	fields := make([]Field, 0, len(names))
	for _, name := range names {
		if value, given := args[name]; given {
			fields = append(fields, Field{name, value})
		}
	}
	return fields
}

// NotFile stands for a value that isn't the file that it should be: a body with it can't be made.
type NotFile struct{}

// ErrNotFile is the error of New for a NotFile.
var ErrNotFile = errors.New("it's no file")

// HasFile says whether a value is a file or has one in it: such a value can't be sent as JSON.
func HasFile(value any) bool {
	switch value := value.(type) {
	case graphql.Upload, *graphql.Upload:
		return true
	case []any:
		return slices.ContainsFunc(value, HasFile)
	case map[string]any:
		for _, member := range value {
			if HasFile(member) {
				return true
			}
		}
	}
	return false
}

// Body is a body that is read once. It is an io.ReadCloser for one goroutine at a time.
type Body struct {
	boundary string
	parts    []part
	now      io.Reader // of the part that is being read
	err      error
}

// part is a field of text, or a file.
type part struct {
	head string // without the empty line after it; for files, the name of the field
	text []byte
	file *graphql.Upload
}

// New makes a body. The error is a field's that can't be sent.
func New(fields []Field) (*Body, error) {
	b := &Body{boundary: "----" + rand.Text()}
	for _, f := range fields {
		if err := b.add(f.Name, f.Value, true); err != nil {
			return nil, fmt.Errorf("multipart: field %s: %w", f.Name, err)
		}
	}
	return b, nil
}

// add adds a field. A list's items are fields of the same name; a list in one of them, or an object, is JSON.
func (b *Body) add(name string, value any, outer bool) error {
	switch value := value.(type) {
	case nil:
		return nil
	case NotFile:
		return ErrNotFile
	case *graphql.Upload:
		if value == nil {
			return nil
		}
		b.parts = append(b.parts, part{head: name, file: value})
		return nil
	case graphql.Upload:
		b.parts = append(b.parts, part{head: name, file: &value})
		return nil
	case string:
		b.parts = append(b.parts, part{head: disposition(name), text: []byte(value)})
		return nil
	case bool:
		b.parts = append(b.parts, part{head: disposition(name), text: strconv.AppendBool(nil, value)})
		return nil
	case map[string]any:
		if !HasFile(value) {
			break
		}
		for _, member := range slices.Sorted(maps.Keys(value)) { // as forms of nested objects are written
			if err := b.add(name+"."+member, value[member], true); err != nil {
				return err
			}
		}
		return nil
	case []any:
		if !outer && !HasFile(value) {
			break
		}
		for _, item := range value {
			if err := b.add(name, item, false); err != nil {
				return err
			}
		}
		return nil
	}
	text, err := encode(value)
	if err != nil {
		return err
	}
	head := disposition(name)
	switch text[0] {
	case '{', '[':
		head += "\r\nContent-Type: application/json"
	case '"': // a type of its own that is a text
		var plain string
		if json.Unmarshal(text, &plain) == nil {
			text = []byte(plain)
		}
	}
	b.parts = append(b.parts, part{head: head, text: text})
	return nil
}

func encode(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}

// ContentType is the header's value that belongs to the body.
func (b *Body) ContentType() string { return "multipart/form-data; boundary=" + b.boundary }

// Length is the body's length before it is read, -1 when it has files that haven't come.
func (b *Body) Length() int64 {
	total := int64(len(b.boundary) + len("----\r\n"))
	for i := range b.parts {
		p := &b.parts[i]
		size := int64(len(p.text))
		head := p.head
		if p.file != nil {
			f, known := p.file.File.(File)
			if known {
				size = f.Size()
			} else {
				size = p.file.Size
			}
			if size < 0 {
				return -1
			}
			var err error
			if head, err = headOf(p); err != nil {
				return -1
			}
		}
		total += int64(len(b.boundary)+len("--\r\n")+len(head)+len("\r\n\r\n")+len("\r\n")) + size
	}
	return total
}

// Read is io.Reader's.
func (b *Body) Read(p []byte) (int, error) {
	for b.err == nil {
		if b.now == nil {
			b.next()
			continue
		}
		n, err := b.now.Read(p)
		switch {
		case errors.Is(err, io.EOF):
			b.now = nil
		case err != nil:
			b.err = err
		}
		if n > 0 || len(p) == 0 {
			return n, nil
		}
	}
	return 0, b.err
}

// next begins the next part. A part's head is written when its file has come.
func (b *Body) next() {
	if len(b.parts) == 0 {
		if b.boundary == "" {
			b.err = io.EOF
			return
		}
		b.now, b.boundary = strings.NewReader("--"+b.boundary+"--\r\n"), ""
		return
	}
	p := &b.parts[0]
	head, err := headOf(p)
	if err != nil {
		b.err = err
		return
	}
	var content io.Reader = bytes.NewReader(p.text)
	if p.file != nil {
		content = p.file.File
	}
	b.now = io.MultiReader(strings.NewReader("--"+b.boundary+"\r\n"+head+"\r\n\r\n"), content, strings.NewReader("\r\n"))
	b.parts = b.parts[1:]
}

// Close is io.Closer's. The files are closed by whoever opened them.
func (b *Body) Close() error {
	if b.err == nil {
		b.err = errors.New("multipart: the body is closed")
	}
	return nil
}

// headOf is what stands above a part's content.
func headOf(p *part) (string, error) {
	if p.file == nil {
		return p.head, nil
	}
	name, kind := p.file.Filename, p.file.ContentType
	if f, ok := p.file.File.(File); ok {
		var err error
		if name, kind, err = f.Head(); err != nil {
			return "", err
		}
	}
	if name == "" {
		name = "file" // without one it would be a text
	}
	parsed, params, err := mime.ParseMediaType(kind)
	if err != nil || !strings.Contains(parsed, "/") {
		parsed, params = "application/octet-stream", nil
	}
	if kind = mime.FormatMediaType(parsed, params); kind == "" || textproto.TrimString(kind) != kind || strings.ContainsAny(kind, "\r\n") {
		kind = "application/octet-stream"
	}
	return disposition(p.head) + `; filename="` + escape(name) + `"` + "\r\nContent-Type: " + kind, nil
}

func disposition(name string) string {
	return `Content-Disposition: form-data; name="` + escape(name) + `"`
}

// escape writes a name as browsers do (WHATWG, "multipart/form-data encoding"), so that no name ends its header. They leave
// other control characters; many servers refuse those in headers.
func escape(name string) string {
	const digits = "0123456789ABCDEF"
	var out []byte
	for i := range len(name) {
		c := name[i]
		if c >= ' ' && c != '"' && c != 0x7f {
			if out != nil {
				out = append(out, c)
			}
			continue
		}
		if out == nil {
			out = append(make([]byte, 0, len(name)+16), name[:i]...)
		}
		out = append(out, '%', digits[c>>4], digits[c&15])
	}
	if out == nil {
		return name
	}
	return string(out)
}
