package view_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/upstreams/view"
)

// posts is a list of 100 posts, indented as JSONPlaceholder sends it: about 25 KB.
func posts() []byte {
	words := strings.Fields("sunt aut facere repellat provident occaecati excepturi optio reprehenderit quia et suscipit recusandae consequuntur expedita cum molestiae ut quas totam nostrum rerum est autem")
	text := func(seed, n int) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteString([]string{" ", " ", " ", "\n"}[(seed+i)%4])
			}
			b.WriteString(words[(seed*7+i*5)%len(words)])
		}
		return b.String()
	}
	type post struct {
		UserID int    `json:"userId"`
		ID     int    `json:"id"`
		Title  string `json:"title"`
		Body   string `json:"body"`
	}
	list := make([]post, 100)
	for i := range list {
		list[i] = post{i/10 + 1, i + 1, text(i, 5), text(i+3, 18)}
	}
	src, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		panic(fmt.Sprint("marshal posts: ", err))
	}
	return src
}

func BenchmarkParse25KB(b *testing.B) {
	src := posts()
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		d, err := view.Parse(src)
		if err != nil {
			b.Fatal(err)
		}
		sink = d
	}
}

// sink keeps a document on the heap, where documents of a gateway are.
var sink *view.Document

func BenchmarkParseInto25KB(b *testing.B) {
	src := posts()
	d := new(view.Document)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if err := view.ParseInto(d, src); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkValid25KB is what encoding/json takes only to check the same text.
func BenchmarkValid25KB(b *testing.B) {
	src := posts()
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if !json.Valid(src) {
			b.Fatal("invalid")
		}
	}
}

// BenchmarkGet reads one property of each of 100 posts.
func BenchmarkGet(b *testing.B) {
	root := mustParse(b, string(posts()))
	b.ReportAllocs()
	for b.Loop() {
		for _, post := range root.Elems() {
			if post.Get("title").Kind() != view.KindString {
				b.Fatal("no title")
			}
		}
	}
}

// BenchmarkAppend writes id and title of 100 posts.
func BenchmarkAppend(b *testing.B) {
	root := mustParse(b, string(posts()))
	dst := make([]byte, 0, 1<<15)
	b.ReportAllocs()
	for b.Loop() {
		dst = dst[:0]
		for _, post := range root.Elems() {
			var err1, err2 error
			dst, err1 = view.AppendID(dst, post.Get("id"))
			dst, err2 = view.AppendString(dst, post.Get("title"))
			if err1 != nil || err2 != nil {
				b.Fatal(err1, err2)
			}
		}
	}
}

// BenchmarkAppendRewritten writes values of a kind that can't be copied as they are.
func BenchmarkAppendRewritten(b *testing.B) {
	root := mustParse(b, `{"int": 3.0, "float": 1.250, "when": "2026-03-01T09:30:00+01:00"}`)
	i, f, when := root.Get("int"), root.Get("float"), root.Get("when")
	dst := make([]byte, 0, 1<<10)
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = view.AppendInt(dst[:0], i)
		dst, _ = view.AppendFloat(dst, f)
		dst, _ = view.AppendDateTime(dst, when)
	}
}

func mustParse(t testing.TB, src string) view.Value {
	t.Helper()
	d, err := view.Parse([]byte(src))
	if err != nil {
		t.Fatalf("Parse(%.80q): %v", src, err)
	}
	return d.Root()
}
