package upload

import (
	"fmt"
	"io"
	"math"
	"os"
)

// spool keeps bytes, in memory as long as the form has some left for it.
type spool struct {
	form   *Form
	memory []byte
	file   temporary
	size   int64
}

func (s *spool) write(p []byte) error {
	if s.file == nil {
		if s.form.memory >= int64(len(p)) {
			s.form.memory -= int64(len(p))
			s.memory = append(s.memory, p...)
			s.size += int64(len(p))
			return nil
		}
		file, err := newTemporary(s.form.config.Folder)
		if err != nil {
			return err
		}
		s.file = file
	}
	n, err := s.file.WriteAt(p, s.size-int64(len(s.memory)))
	s.size += int64(n)
	return err
}

// readAt reads what was kept, of which the first part is in memory.
func (s *spool) readAt(p []byte, at int64) (int, error) {
	switch {
	case at >= s.size:
		return 0, io.EOF
	case at < int64(len(s.memory)):
		return copy(p, s.memory[at:]), nil
	}
	at -= int64(len(s.memory))
	left := s.size - int64(len(s.memory)) - at
	p = p[:min(int64(len(p)), left, math.MaxInt32)]
	n, err := s.file.ReadAt(p, at)
	if n > 0 {
		return n, nil
	}
	return n, err
}

func (s *spool) close() {
	if s.file != nil {
		_ = s.file.Close() // nobody reads it any more
	}
}

// temporary is a file that is gone when it is closed.
type temporary interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
}

// newTemporary makes one. It loses its name at once, so that nothing remains of it however the process ends; where files
// can't, it is removed when it is closed.
func newTemporary(folder string) (temporary, error) {
	file, err := os.CreateTemp(folder, "upload-*")
	if err != nil {
		return nil, fmt.Errorf("upload: %w", err)
	}
	if os.Remove(file.Name()) == nil {
		return file, nil
	}
	return named{file}, nil
}

// named is a temporary file that still has its name.
type named struct{ *os.File }

// Close removes it as well.
func (n named) Close() error {
	err := n.File.Close()
	if removed := os.Remove(n.Name()); err == nil {
		err = removed
	}
	return err
}
