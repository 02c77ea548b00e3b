package cache_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/cache"
	"github.com/tributary-gateway/tributary/gateway/cache/store"
	"github.com/tributary-gateway/tributary/gateway/redisconn/redistest"
)

// BenchmarkHit is all that a kept answer costs here: policy, key, look-up, headers.
func BenchmarkHit(b *testing.B) {
	r := newRig(b, cache.Config{}, nil)
	for name, q := range map[string]*cache.Request{
		"public":  r.request(b, "query ($id: ID) { post(id: $id) { id title } }"),
		"private": r.request(b, "query ($id: ID) { post(id: $id) { id secret } }"),
	} {
		q.Subject, q.Variables = "anna", variables{"id": "5"}
		q.Vary = []cache.Header{{"Accept-Language", "de"}}
		r.do(b, q, data(`{"post":{"id":"5","title":"`+strings.Repeat("x", 14<<10)+`"}}`))
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			h := http.Header{}
			for b.Loop() {
				clear(h)
				a, err := r.Do(b.Context(), q, nil)
				if err != nil || a.Origin != cache.Hit {
					b.Fatal(a.Origin, err)
				}
				a.SetHeaders(h, true)
			}
		})
		b.Run(name+" key only", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Do(b.Context(), q, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkUnkept is what coalescing adds to a query that isn't kept.
func BenchmarkUnkept(b *testing.B) {
	r := newRig(b, cache.Config{}, nil)
	q := r.request(b, "{ live }")
	run := data(`{"live":1}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Do(b.Context(), q, run); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTagsOf is what reading the tags of an answer of 14 KB costs, once per fetch.
func BenchmarkTagsOf(b *testing.B) {
	r, s := rules(b, shop, cache.Config{})
	p := planOf(b, r, s, "{ posts { id title author { id name } } }")
	text := []byte(`{"posts":[` + strings.TrimSuffix(strings.Repeat(`{"id":"123","title":"`+strings.Repeat("x", 80)+`","author":{"id":"7","name":"Anna"}},`, 100), ",") + `]}`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.TagsOf(text); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRedis is a hit of 14 KB that Redis has and the process hasn't.
func BenchmarkRedis(b *testing.B) {
	r := newRig(b, cache.Config{Store: store.Config{NoL1: true}}, redistest.Start(b))
	q := r.request(b, "{ post { id title } }")
	var text strings.Builder
	for i := range 400 {
		fmt.Fprintf(&text, "The word %d and a few more. ", i*i)
	}
	redistest.Until(b, "a hit", func() bool {
		return r.do(b, q, data(`{"post":{"id":"5","title":"`+text.String()+`"}}`)).Origin == cache.Hit
	})
	b.ReportAllocs()
	for b.Loop() {
		if a, err := r.Do(b.Context(), q, nil); err != nil || a.Origin != cache.Hit {
			b.Fatal(a.Origin, err)
		}
	}
}
