package upload

import (
	"errors"
	"io"
	"mime"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
)

// source is one file of the request. One or more variables stand for it.
type source struct {
	form *Form
	uses int
	done atomic.Bool // kept has all of it: no lock is needed to read it

	// Guarded by the form's mutex:
	seen       bool // its part has come
	name, kind string
	streamed   int64 // went to its reader as it came
	kept       *spool
	err        error // io.EOF when all of it has come
}

// File is one use of a file. It is an io.ReadSeeker for one goroutine at a time, and reads the file from its beginning.
type File struct {
	source *source
	at     int64
}

// Of gives the file of a variable, nil when it isn't one of this package's.
func Of(u graphql.Upload) *File {
	f, _ := u.File.(*File)
	return f
}

// Head waits until the file comes, and gives its name and type as the client says: a name without folders, and a media
// type that is well-formed. Nothing else is known of them.
func (f *File) Head() (name, contentType string, err error) {
	s := f.source
	s.form.mu.Lock()
	defer s.form.mu.Unlock()
	if err := s.reach(); err != nil {
		return "", "", err
	}
	return s.name, s.kind, nil
}

// Size is the file's length, -1 as long as not all of it has come.
func (f *File) Size() int64 {
	if f.source.done.Load() {
		return f.source.kept.size
	}
	return -1
}

// Read is io.Reader's. It waits for the file to come. Errors are *fail.Error, for the client to read.
func (f *File) Read(p []byte) (int, error) {
	s := f.source
	if s.done.Load() {
		n, err := s.kept.readAt(p, f.at)
		f.at += int64(n)
		return n, err
	}
	if len(p) == 0 {
		return 0, nil
	}
	s.form.mu.Lock()
	defer s.form.mu.Unlock()
	n, err := s.read(p, f.at)
	f.at += int64(n)
	return n, err
}

// Seek is io.Seeker's. Anywhere but where it is, the file has to be kept: that can't be done once it was read as it came.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekCurrent && offset == 0 {
		return f.at, nil
	}
	s := f.source
	s.form.mu.Lock()
	defer s.form.mu.Unlock()
	if s.streamed > 0 {
		return 0, errors.New("upload: the file was read as it came, and can't be read again")
	}
	if err := s.keepAll(); err != nil {
		return 0, err
	}
	switch whence {
	case io.SeekCurrent:
		offset += f.at
	case io.SeekEnd:
		offset += s.kept.size
	}
	if offset < 0 {
		return 0, errors.New("upload: there is nothing before the file's beginning")
	}
	f.at = offset
	return offset, nil
}

// read reads from an offset: what was kept, or what comes. The form's mutex is held.
func (s *source) read(p []byte, at int64) (int, error) {
	if s.form.err != nil && errors.Is(s.form.err, errClosed) {
		return 0, errClosed
	}
	if err := s.reach(); err != nil {
		return 0, err
	}
	if s.uses > 1 && s.kept == nil {
		if err := s.keepAll(); err != nil {
			return 0, err
		}
	}
	switch {
	case s.kept != nil:
		return s.kept.readAt(p, at-s.streamed)
	case s.err != nil:
		return 0, s.err
	}
	n, err := s.receive(p)
	s.streamed += int64(n)
	return n, err
}

// receive reads what comes of the file, within the limits.
func (s *source) receive(p []byte) (int, error) {
	f := s.form
	n, err := f.part.Read(p)
	f.total += int64(n)
	switch size := s.received() + int64(n); {
	case size > f.config.MaxFileBytes:
		n, err = 0, large("A file is over the limit of "+strconv.FormatInt(f.config.MaxFileBytes, 10)+" bytes.")
	case f.total > f.config.MaxBytes:
		n, err = 0, large("The files are over the limit of "+strconv.FormatInt(f.config.MaxBytes, 10)+" bytes together.")
	case err != nil && !errors.Is(err, io.EOF):
		err = f.cause(err, "The request ended in the middle of a file.")
	}
	if err != nil {
		s.err, f.now, f.part = err, nil, nil
		if !errors.Is(err, io.EOF) {
			f.err = err // whatever comes after that can't be found
		}
	}
	return n, err
}

// received is how much of the file has come.
func (s *source) received() int64 {
	if s.kept != nil {
		return s.streamed + s.kept.size
	}
	return s.streamed
}

// reach reads on until the file's part has come.
func (s *source) reach() error {
	for !s.seen {
		if err := s.form.next(); err != nil {
			if errors.Is(err, io.EOF) {
				return bad(`A file that the part "map" names is missing.`)
			}
			return err
		}
	}
	return nil
}

// keepAll keeps what of the file is still to come.
func (s *source) keepAll() error {
	if err := s.reach(); err != nil {
		return err
	}
	if s.kept == nil {
		s.kept = &spool{form: s.form}
	}
	buffer := make([]byte, 32<<10)
	for s.err == nil {
		n, err := s.receive(buffer)
		if n > 0 {
			if err := s.kept.write(buffer[:n]); err != nil {
				s.err, s.form.err = err, err
				return err
			}
		}
		if err != nil {
			break
		}
	}
	if !errors.Is(s.err, io.EOF) {
		return s.err
	}
	if s.streamed == 0 {
		s.done.Store(true)
	}
	return nil
}

// next goes on to the next part, and keeps the rest of the one that is being read. It is io.EOF after the last part. The
// mutex is held.
func (f *Form) next() error {
	if f.err != nil {
		return f.err
	}
	if f.now != nil {
		if err := f.now.keepAll(); err != nil {
			return err
		}
	}
	f.body.left = maxHead
	part, err := f.reader.NextRawPart()
	if err != nil {
		if !errors.Is(err, io.EOF) {
			err = f.cause(err, "The request ended between two files.")
		}
		f.err = err
		return err
	}
	s := f.byKey[part.FormName()]
	switch {
	case s == nil:
		f.err = bad(`A part is a file that the part "map" doesn't name.`)
	case s.seen:
		f.err = bad("A file is there twice.")
	}
	if f.err != nil {
		return f.err
	}
	f.body.left = min(f.config.MaxFileBytes, f.config.MaxBytes-f.total) + maxHead
	s.seen, s.name, s.kind = true, nameOf(part.FileName()), kindOf(part.Header.Get("Content-Type"))
	f.now, f.part = s, part
	return nil
}

// nameOf is a file's name without folders and without what isn't text.
func nameOf(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return -1
		}
		return r
	}, name)
	const most = 255
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "")
	}
	if name == "." || name == ".." {
		return ""
	}
	return name
}

// kindOf is a media type that is well-formed, without its parameters but the charset.
func kindOf(text string) string {
	kind, params, err := mime.ParseMediaType(text)
	if err != nil || !strings.Contains(kind, "/") || len(kind) > 127 {
		return "application/octet-stream"
	}
	if charset := params["charset"]; charset != "" && len(charset) < 40 {
		return mime.FormatMediaType(kind, map[string]string{"charset": charset})
	}
	return kind
}
