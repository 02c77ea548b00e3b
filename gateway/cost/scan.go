package cost

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// SyntaxError says where data isn't the answer of the operation, or no JSON.
type SyntaxError struct {
	// Offset is the number of bytes before the offending one.
	Offset int
	// Due is what should be there.
	Due string
}

// Error has the offset, and nothing of the data.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("the answer isn't one of the operation: %s due at byte %d", e.Due, e.Offset)
}

// scanner finds its way in JSON. It takes for JSON what it doesn't have to look at.
type scanner struct{ data []byte }

func (s *scanner) unexpected(i int, due string) error { return &SyntaxError{min(i, len(s.data)), due} }

// at is the byte at i, or 0 behind the end.
func (s *scanner) at(i int) byte {
	if i < len(s.data) {
		return s.data[i]
	}
	return 0
}

func (s *scanner) space(i int) int {
	for i < len(s.data) && (s.data[i] == ' ' || s.data[i] == '\n' || s.data[i] == '\t' || s.data[i] == '\r') {
		i++
	}
	return i
}

// key reads a member's name, which begins at i: its bytes, and where the value begins.
func (s *scanner) key(i int) (from, to, value int, err error) {
	if s.at(i) != '"' {
		return 0, 0, 0, s.unexpected(i, "name")
	}
	end, err := s.text(i)
	if err != nil {
		return 0, 0, 0, err
	}
	colon := s.space(end)
	if s.at(colon) != ':' {
		return 0, 0, 0, s.unexpected(colon, "':'")
	}
	return i + 1, end - 1, s.space(colon + 1), nil
}

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// text is the position behind the string that begins at i.
func (s *scanner) text(i int) (int, error) {
	data := s.data
	for at := i + 1; ; at++ {
		// Eight bytes at a time: the lowest high bit marks the first quote.
		for at+8 <= len(data) {
			w := binary.LittleEndian.Uint64(data[at:]) ^ '"'*ones
			if quote := (w - ones) &^ w & highs; quote != 0 {
				at += bits.TrailingZeros64(quote) / 8
				break
			}
			at += 8
		}
		for at < len(data) && data[at] != '"' {
			at++
		}
		if at >= len(data) {
			return 0, s.unexpected(at, "end of a string")
		}
		if data[at-1] != '\\' || !escaped(data[:at]) {
			return at + 1, nil
		}
	}
}

// escaped tells whether an odd number of backslashes is at the end.
func escaped(data []byte) bool {
	n := len(data)
	for n > 0 && data[n-1] == '\\' {
		n--
	}
	return (len(data)-n)%2 == 1
}

// skip is the position behind the value that begins at i.
func (s *scanner) skip(i int) (int, error) {
	switch s.at(i) {
	case '"':
		return s.text(i)
	case '{', '[':
		return s.container(i)
	case 0, ',', ':', '}', ']':
		return 0, s.unexpected(i, "value")
	}
	for i < len(s.data) {
		switch s.data[i] {
		case ',', '}', ']', ' ', '\n', '\t', '\r':
			return i, nil
		}
		i++
	}
	return i, nil
}

func (s *scanner) container(i int) (int, error) {
	for open := 0; i < len(s.data); {
		switch s.data[i] {
		case '"':
			end, err := s.text(i)
			if err != nil {
				return 0, err
			}
			i = end
			continue
		case '{', '[':
			open++
		case '}', ']':
			if open--; open == 0 {
				return i + 1, nil
			}
		}
		i++
	}
	return 0, s.unexpected(i, "closing bracket")
}
