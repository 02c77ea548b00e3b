package operation_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/operation"
)

func TestCacheIsBounded(t *testing.T) {
	cache, err := operation.NewCache(3, 10)
	if err != nil {
		t.Fatal(err)
	}
	add := func(query string) { cache.Add(t.Context(), query, &ast.QueryDocument{}) }
	has := func(want string) {
		t.Helper()
		var got []string
		for _, query := range []string{"a", "b", "c", "d", "eeeeeeeee", "ffffffffff", "ggggggggggg"} {
			if _, ok := cache.Get(t.Context(), query); ok {
				got = append(got, query)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("has %v, want %s", got, want)
		}
		if n, size := cache.Len(); n != len(got) || size != int64(len(strings.Join(got, ""))) {
			t.Errorf("Len says %d entries and %d bytes", n, size)
		}
	}
	for _, query := range []string{"a", "b", "c"} {
		add(query)
	}
	has("a b c")
	add("a")
	add("d") // by entries: b was used least
	has("a c d")
	add("eeeeeeeee") // by bytes
	has("d eeeeeeeee")
	add("ggggggggggg") // never fits
	has("d eeeeeeeee")
	add("ffffffffff") // fills it
	has("ffffffffff")
}

func TestCacheTogether(t *testing.T) {
	cache, err := operation.NewCache(8, 100)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 500 {
				query := strings.Repeat("q", 1+(i*g)%40) + fmt.Sprint(i%20)
				cache.Add(t.Context(), query, &ast.QueryDocument{})
				cache.Get(t.Context(), query)
			}
		})
	}
	wg.Wait()
	if n, size := cache.Len(); n > 8 || size > 100 || size < 0 {
		t.Errorf("%d entries with %d bytes", n, size)
	}
}

func TestNewCacheRefuses(t *testing.T) {
	for _, c := range []struct {
		entries int
		bytes   int64
	}{{0, 1}, {1, 0}, {-1, -1}} {
		if _, err := operation.NewCache(c.entries, c.bytes); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}
