package scalar_test

import (
	"encoding/json"
	"math"
	"regexp"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/scalar"
)

func TestUnmarshalDateTime(t *testing.T) {
	const not = "DateTime cannot represent a value that is not RFC 3339: "
	checkInputs(t, scalar.UnmarshalDateTime, []input[scalar.DateTime]{
		{in: "2026-03-01T09:30:00Z", want: "2026-03-01T09:30:00Z"},
		{in: "2026-03-01T09:30:00.5+01:00", want: "2026-03-01T09:30:00.5+01:00"},
		{in: "2024-02-29T23:59:59-23:59", want: "2024-02-29T23:59:59-23:59"},
		{in: "2026-02-29T00:00:00Z", err: not + `"2026-02-29T00:00:00Z"`},
		{in: "2026-03-01T9:30:00Z", err: not + `"2026-03-01T9:30:00Z"`},
		{in: "2026-03-01T24:00:00Z", err: not + `"2026-03-01T24:00:00Z"`},
		{in: "2026-03-01T09:30:60Z", err: not + `"2026-03-01T09:30:60Z"`},
		{in: "2026-03-01T09:30:00,5Z", err: not + `"2026-03-01T09:30:00,5Z"`},
		{in: "2026-03-01T09:30:00+24:00", err: not + `"2026-03-01T09:30:00+24:00"`},
		{in: "2026-03-01T09:30:00-01:60", err: not + `"2026-03-01T09:30:00-01:60"`},
		{in: "2026-03-01t09:30:00z", err: not + `"2026-03-01t09:30:00z"`},
		{in: "2026-03-01T09:30:00", err: not + `"2026-03-01T09:30:00"`},
		{in: "2026-03-01", err: not + `"2026-03-01"`},
		{in: "", err: not + `""`},
		{in: json.Number("1772357400"), err: not + "1772357400"},
		{in: nil, err: not + "null"},
	})
}

func TestUnmarshalUpload(t *testing.T) {
	const not = "Upload cannot represent a value that is no file: "
	checkInputs(t, scalar.UnmarshalUpload, []input[graphql.Upload]{
		{in: graphql.Upload{Filename: "a.txt", Size: 1}, want: graphql.Upload{Filename: "a.txt", Size: 1}},
		{in: "a.txt", err: not + `"a.txt"`},
		{in: map[string]any{}, err: not + "{}"},
		{in: nil, err: not + "null"},
	})
}

func TestDateTimeTime(t *testing.T) {
	want := time.Date(2026, 3, 1, 9, 30, 0, 120_000_000, time.FixedZone("", 3600))
	text := scalar.FromTime(want)
	if text != "2026-03-01T09:30:00.12+01:00" {
		t.Errorf("FromTime: got %s", text)
	}
	if got, err := text.Time(); err != nil || !got.Equal(want) {
		t.Errorf("Time: got %v, %v", got, err)
	}
	if _, err := scalar.DateTime("soon").Time(); err == nil {
		t.Error("Time: no error for a text that is none")
	}
}

func TestUnmarshalJSON(t *testing.T) {
	for _, c := range []struct {
		in   any
		want string
	}{
		{nil, "null"},
		{"<a>", `"<a>"`},
		{true, "true"},
		{int64(1), "1"},
		{json.Number("1.0"), "1.0"},
		{[]any{}, "[]"},
		{map[string]any{"b": []any{1.5, nil}, "a": "é"}, `{"a":"é","b":[1.5,null]}`},
	} {
		if got, err := scalar.UnmarshalJSON(c.in); err != nil || string(got) != c.want {
			t.Errorf("%v: got %s, %v; want %s", c.in, got, err, c.want)
		}
	}
	if _, err := scalar.UnmarshalJSON(math.NaN()); err == nil || err.Error() != "JSON cannot represent value: NaN" {
		t.Errorf("NaN: got %v", err)
	}
}

// JSON is a []byte, which encoding/json would write in base64.
func TestJSONInsideJSON(t *testing.T) {
	type message struct{ Body, None scalar.JSON }
	text, err := json.Marshal(message{Body: scalar.JSON(`{"a":1}`)})
	if err != nil || string(text) != `{"Body":{"a":1},"None":null}` {
		t.Errorf("got %s, %v", text, err)
	}
	var back message
	if err := json.Unmarshal([]byte(`{"Body": {"a":  1}}`), &back); err != nil || string(back.Body) != `{"a":  1}` {
		t.Errorf("got %s, %v", back.Body, err)
	}
}

var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// FuzzDateTime: what is taken has the form of RFC 3339 and a date that exists, and is an instant.
func FuzzDateTime(f *testing.F) {
	for _, s := range []string{"2026-03-01T09:30:00Z", "2026-03-01T09:30:00.123456789-23:59", "2026-02-30T00:00:00Z", "2026-03-01T9:30:00Z", "2026-03-01T09:30:00,5Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		_, err := scalar.ParseDateTime(s)
		want := false
		if rfc3339.MatchString(s) {
			_, dateErr := time.Parse(time.DateOnly, s[:len(time.DateOnly)])
			want = dateErr == nil
		}
		if (err == nil) != want {
			t.Fatalf("%q: got %v", s, err)
		}
		if _, timeErr := scalar.DateTime(s).Time(); (timeErr == nil) != want {
			t.Fatalf("%q: Time says %v", s, timeErr)
		}
	})
}
