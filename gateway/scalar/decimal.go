package scalar

import "strconv"

// Decimal is a number exactly as it's written, whatever its size: its digits d₁d₂…dₙ stand for 0.d₁d₂…dₙ × 10^point.
// JavaScript would round it to a double first, and two identifiers of twenty digits would become one.
type Decimal struct {
	negative bool
	mantissa []byte // from the first to the last digit that isn't 0; may have a '.' inside
	n        int    // digits in mantissa; 0 for zero
	point    int
}

// The decimal exponents of a double: beyond them JavaScript sees Infinity and 0.
const (
	maxPoint = 309
	minPoint = -323
)

// ParseDecimal takes a number apart; the result keeps text. It knows what JSON writes and, for numbers in strings, what
// JavaScript reads besides: a plus sign, leading zeros, a point without digits on one side.
func ParseDecimal(text []byte) (d Decimal, ok bool) {
	i := 0
	if i < len(text) && (text[i] == '-' || text[i] == '+') {
		d.negative = text[i] == '-'
		i++
	}
	var (
		first, last = -1, -1 // positions of the outermost digits that aren't 0
		dot         = -1
		digits      int
	)
	for ; i < len(text); i++ {
		c := text[i]
		if c == '.' && dot < 0 {
			dot = i
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		digits++
		if c != '0' {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if digits == 0 {
		return Decimal{}, false
	}
	if dot < 0 {
		dot = i
	}
	exponent, ok := parseExponent(text[i:])
	if !ok || first < 0 {
		return Decimal{}, ok
	}
	d.mantissa = text[first : last+1]
	d.n = last + 1 - first
	if first < dot && dot < last {
		d.n--
	}
	d.point = dot - first + exponent
	if first > dot {
		d.point++ // the dot itself isn't a place
	}
	return d, true
}

// parseExponent reads "", or e, a sign or none, and digits. Exponents that no double has are all the same.
func parseExponent(text []byte) (exponent int, ok bool) {
	const limit = 100_000_000 // more digits than any text has that gets here
	if len(text) == 0 {
		return 0, true
	}
	if text[0]|0x20 != 'e' {
		return 0, false
	}
	text = text[1:]
	negative := false
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		negative = text[0] == '-'
		text = text[1:]
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		exponent = min(exponent*10+int(c-'0'), limit)
	}
	if negative {
		exponent = -exponent
	}
	return exponent, len(text) > 0
}

// IsZero is true for zero and for what is too small for a double.
func (d Decimal) IsZero() bool { return d.n == 0 || d.point < minPoint }

// IsFinite is false for what has more digits before its point than the greatest double.
func (d Decimal) IsFinite() bool { return d.n == 0 || d.point <= maxPoint }

// IsIntegral is true for 3, 3.0 and 30e-1.
func (d Decimal) IsIntegral() bool { return d.n <= d.point || d.n == 0 }

// Significant is the number of digits from the first to the last that isn't 0.
func (d Decimal) Significant() int { return d.n }

// Point is where the decimal point stands, counted from the first digit that isn't 0: 2 for 12.5, -1 for 0.05.
func (d Decimal) Point() int { return d.point }

// Int64 is the number's value if it's integral and fits.
func (d Decimal) Int64() (value int64, ok bool) {
	if d.n == 0 {
		return 0, true
	}
	if d.n > d.point || d.point > 19 {
		return 0, false
	}
	var u uint64 // nineteen digits always fit
	for _, c := range d.mantissa {
		if c != '.' {
			u = u*10 + uint64(c-'0')
		}
	}
	for range d.point - d.n {
		u *= 10
	}
	if d.negative {
		return -int64(u), u <= 1<<63
	}
	return int64(u), u < 1<<63
}

// AppendInteger appends an integral, finite number without point and exponent: at most 309 digits after the sign.
func (d Decimal) AppendInteger(dst []byte) []byte {
	if d.n == 0 {
		return append(dst, '0')
	}
	return d.appendZeros(d.appendDigits(d.appendSign(dst), 0, d.n), d.point-d.n)
}

// AppendText appends a finite number as JavaScript would if its numbers were exact: plainly from 1e-6 to below 1e21, with an
// exponent outside.
func (d Decimal) AppendText(dst []byte) []byte {
	if d.IsZero() {
		return append(dst, '0')
	}
	dst = d.appendSign(dst)
	switch {
	case d.n <= d.point && d.point <= 21:
		return d.appendZeros(d.appendDigits(dst, 0, d.n), d.point-d.n)
	case d.point > 0 && d.point <= 21:
		dst = append(d.appendDigits(dst, 0, d.point), '.')
		return d.appendDigits(dst, d.point, d.n)
	case d.point > -6 && d.point <= 0:
		dst = d.appendZeros(append(dst, "0."...), -d.point)
		return d.appendDigits(dst, 0, d.n)
	}
	dst = d.appendDigits(dst, 0, 1)
	if d.n > 1 {
		dst = d.appendDigits(append(dst, '.'), 1, d.n)
	}
	dst = append(dst, 'e')
	if d.point > 0 {
		dst = append(dst, '+')
	}
	return strconv.AppendInt(dst, int64(d.point-1), 10)
}

func (d Decimal) appendSign(dst []byte) []byte {
	if d.negative {
		return append(dst, '-')
	}
	return dst
}

// appendDigits writes the digits from number i up to number j.
func (d Decimal) appendDigits(dst []byte, i, j int) []byte {
	at := 0
	for _, c := range d.mantissa {
		if c == '.' {
			continue
		}
		if at >= i && at < j {
			dst = append(dst, c)
		}
		at++
	}
	return dst
}

func (d Decimal) appendZeros(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, '0')
	}
	return dst
}
