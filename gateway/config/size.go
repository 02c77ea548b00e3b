package config

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Size is a number of bytes, written with its unit: 512B, 64KiB, 8MiB, 1GiB.
type Size int64

var sizePattern = regexp.MustCompile(`^([0-9]+) ?(B|KiB|MiB|GiB)$`)

var units = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// ParseSize reads a size with its unit.
func ParseSize(text string) (Size, error) {
	match := sizePattern.FindStringSubmatch(text)
	if match == nil {
		return 0, sizeHint(text)
	}
	n, err := strconv.ParseInt(match[1], 10, 64)
	for _, u := range units {
		if u.name != match[2] {
			continue
		}
		if err != nil || n > math.MaxInt64/u.bytes {
			break
		}
		return Size(n * u.bytes), nil
	}
	return 0, wrong("%q is more bytes than can be counted", text)
}

// sizeHint says what is wrong with a text that is no size, and what was probably meant.
func sizeHint(text string) error {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 {
		return wrong("a size needs a unit").hint("write %s for %d bytes", Size(n), n)
	}
	e := wrong("%q is not a size", text)
	number := strings.TrimRight(text, "kKmMgGiIbB ")
	if _, err := strconv.ParseUint(number, 10, 64); err == nil {
		for _, u := range units {
			unit := strings.TrimSpace(strings.TrimPrefix(text, number))
			if strings.EqualFold(unit, u.name) || strings.EqualFold(unit, u.name[:1]) || strings.EqualFold(unit, u.name[:1]+"b") {
				return e.hint("write %s%s", number, u.name)
			}
		}
	}
	return e.hint("write a whole number and B, KiB, MiB or GiB: 8MiB")
}

// String writes the size with the greatest unit that divides it.
func (s Size) String() string {
	for _, u := range units {
		if s != 0 && int64(s)%u.bytes == 0 {
			return fmt.Sprintf("%d%s", int64(s)/u.bytes, u.name)
		}
	}
	return "0B"
}

// MarshalText is String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is ParseSize.
func (s *Size) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSize(string(text))
	return err
}
