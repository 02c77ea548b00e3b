package scalar_test

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/scalar"
)

func TestDecimalText(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "0.000": "0", "0e5": "0", "-0.0e-5": "0",
		"3": "3", "3.0": "3", "1e3": "1000", "-1.50": "-1.5", "12.5e1": "125", "0.05": "0.05",
		"100000000000000000000":  "100000000000000000000",
		"1e20":                   "100000000000000000000",
		"1e21":                   "1e+21",
		"12345678901234567890.5": "12345678901234567890.5",
		"1234567890123456789012": "1.234567890123456789012e+21",
		"0.000001":               "0.000001", "0.0000001": "1e-7", "12e-8": "1.2e-7",
		"1.00000000000000000000000001": "1.00000000000000000000000001",
		"1e-400":                       "0", "-1e-999999999999": "0",
		"+7": "7", "007": "7", ".5": "0.5", "5.": "5", "5.e1": "50",
	} {
		d, ok := scalar.ParseDecimal([]byte(text))
		if got := string(d.AppendText(nil)); !ok || !d.IsFinite() || got != want {
			t.Errorf("%s: got %s, %v; want %s", text, got, ok, want)
		}
	}
}

func TestDecimalRefuses(t *testing.T) {
	for _, text := range []string{"", "-", ".", "e1", "-.e1", "1e", "1e+", "1x", "1.2.3", "1e1.5", "0x10", "Infinity", "NaN", "1_000", "--1", " 1"} {
		if _, ok := scalar.ParseDecimal([]byte(text)); ok {
			t.Errorf("%q was taken for a number", text)
		}
	}
}

func TestDecimalSizes(t *testing.T) {
	for _, c := range []struct {
		text             string
		finite, integral bool
	}{
		{"1e308", true, true},
		{"1e309", false, true},
		{"1e99999999999999999999", false, true},
		{"1e-99999999999999999999", true, false},
		{strings.Repeat("9", 309), true, true},
		{strings.Repeat("9", 310), false, true},
		{"30e-1", true, true},
		{"31e-1", true, false},
	} {
		d, ok := scalar.ParseDecimal([]byte(c.text))
		if !ok || d.IsFinite() != c.finite || d.IsIntegral() != c.integral {
			t.Errorf("%s: finite %v, integral %v", c.text, d.IsFinite(), d.IsIntegral())
		}
	}
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?$`)

// FuzzDecimal holds the arithmetic against math/big.
func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"0", "-0", "3.0", "30e-1", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e19", "0.00000012", "12.50e2", "100e-2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, ok := scalar.ParseDecimal([]byte(text))
		if !jsonNumber.MatchString(text) || len(text) > 400 {
			return
		}
		exact, _ := new(big.Rat).SetString(text)
		if !ok || exact == nil {
			t.Fatalf("%s isn't taken for a number", text)
		}
		if d.IsIntegral() != exact.IsInt() {
			t.Fatalf("%s: integral %v", text, d.IsIntegral())
		}
		i, fits := d.Int64()
		if want := exact.IsInt() && exact.Num().IsInt64(); fits != want || fits && i != exact.Num().Int64() {
			t.Fatalf("%s: got %d, %v", text, i, fits)
		}
		if !d.IsFinite() {
			return
		}
		if d.IsIntegral() && string(d.AppendInteger(nil)) != exact.Num().String() {
			t.Fatalf("%s: got %s", text, d.AppendInteger(nil))
		}
		written := string(d.AppendText(nil))
		if !jsonNumber.MatchString(written) {
			t.Fatalf("%s: %s is no JSON", text, written)
		}
		if back, _ := new(big.Rat).SetString(written); !d.IsZero() && back.Cmp(exact) != 0 {
			t.Fatalf("%s: got %s", text, written)
		}
		// Where a double has the same digits, the text is JavaScript's.
		if x, err := strconv.ParseFloat(text, 64); err == nil && d.Significant() <= 15 && d.Point() > -300 {
			if want := string(scalar.AppendFloat(nil, x)); written != want {
				t.Fatalf("%s: got %s, want %s", text, written, want)
			}
		}
	})
}
