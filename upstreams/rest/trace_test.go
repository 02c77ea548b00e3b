package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/upstreams/rest"
)

func TestTrace(t *testing.T) {
	const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	members := strings.Repeat("ab=cd,", 31) + "ab=cd"
	for _, c := range []struct {
		parent string
		state  []string
		want   [2]string
	}{
		{good, nil, [2]string{good, ""}},
		{good, []string{"a=b , c=d", "e=f"}, [2]string{good, "a=b,c=d,e=f"}},
		{good, []string{members + ",x=y"}, [2]string{good, members}},
		{good, []string{strings.Repeat("a", 512)}, [2]string{good, strings.Repeat("a", 512)}},
		{good, []string{"a=b," + strings.Repeat("a", 509)}, [2]string{good, "a=b"}},
		{good, []string{strings.Repeat("a", 513)}, [2]string{good, ""}},
		{good, []string{"a=b,c=\u00e9"}, [2]string{good, "a=b"}},
		{"01" + good[2:], nil, [2]string{"01" + good[2:], ""}},
		{"01" + good[2:] + "-more", nil, [2]string{"01" + good[2:] + "-more", ""}},

		{"", []string{"a=b"}, [2]string{}},
		{"not-a-trace", []string{"a=b"}, [2]string{}},
		{good + "-more", nil, [2]string{}},
		{good[:len(good)-1], nil, [2]string{}},
		{"01" + good[2:] + "more", nil, [2]string{}},
		{"01" + good[2:] + "-" + strings.Repeat("a", 300), nil, [2]string{}},
		{"01" + good[2:] + "- a", nil, [2]string{}},
		{"ff" + good[2:], nil, [2]string{}},
		{strings.ToUpper(good), nil, [2]string{}},
		{strings.Replace(good, "-b", "_b", 1), nil, [2]string{}},
		{"00-" + strings.Repeat("0", 32) + good[35:], nil, [2]string{}},
		{good[:36] + strings.Repeat("0", 16) + "-01", nil, [2]string{}},
	} {
		header := http.Header{"Tracestate": c.state}
		if c.parent != "" {
			header.Set("Traceparent", c.parent)
		}
		if parent, state := rest.Trace(header); parent != c.want[0] || state != c.want[1] {
			t.Errorf("%s %q: %q %q", c.parent, c.state, parent, state)
		}
	}
	if parent, _ := rest.Trace(http.Header{"Traceparent": {good, good}}); parent != "" {
		t.Error("two parents are one")
	}
}
