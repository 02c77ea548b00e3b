package rfc9111_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/reuse/rfc9111"
)

// FuzzParse looks for fields that are read wrongly: what is appended must count whatever stands before it, or the field is
// broken; and nothing is read out of a quoted-string.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"", "max-age=60", "max-age=60, no-store", `ext="a, no-store"`, `private="a,b", no-cache=`, `a="\"`, "max-age=99999999999999999999", ",,;=", "max-age=60 s",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d := rfc9111.Parse([]string{text})
		for _, s := range []rfc9111.Seconds{d.MaxAge, d.SMaxAge, d.MinFresh, d.StaleIfError, d.StaleWhileRevalidate} {
			if s.Value < 0 || s.Value > (1<<31)*time.Second || !s.Set && s.Value != 0 {
				t.Fatalf("%q: %+v", text, s)
			}
		}
		if with := rfc9111.Parse([]string{text, "no-store"}); !with.NoStore || with.Broken != d.Broken {
			t.Fatalf("%q hides the field behind it", text)
		}
		if with := rfc9111.Parse([]string{text + ", no-store"}); !with.NoStore && !with.Broken {
			t.Fatalf("%q hides what stands behind it", text)
		}
		if with := rfc9111.Parse([]string{text + ", max-age=0"}); !with.Broken && (!with.MaxAge.Set || with.MaxAge.Value != 0) {
			t.Fatalf("%q: the least max-age isn't 0 but %v", text, with.MaxAge)
		}
		quoted := `x="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
		if in := rfc9111.Parse([]string{quoted}); in.NoStore || in.Public || in.MaxAge.Set || in.Broken {
			t.Fatalf("%q is read though it's quoted: %+v", quoted, in)
		}
	})
}

// FuzzDate looks for dates that are read in another time than UTC, and for texts that are no dates.
func FuzzDate(f *testing.F) {
	for _, text := range []string{"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "0", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, ok := rfc9111.Date(text)
		if !ok && !at.IsZero() {
			t.Fatalf("%q: %v", text, at)
		}
		if _, offset := at.Zone(); ok && offset != 0 {
			t.Fatalf("%q: %v", text, at)
		}
	})
}
