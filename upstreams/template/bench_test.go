package template_test

import (
	"fmt"
	"testing"

	"github.com/tributary-gateway/tributary/upstreams/template"
)

func BenchmarkPath(b *testing.B) {
	path, err := template.ParsePath("/v1/tenants/{header.X-Tenant}/users/{this.id}/posts/{n}")
	if err != nil {
		b.Fatal(err)
	}
	s := scope(b)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		if dst, err = path.Append(dst[:0], s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkQuery(b *testing.B) {
	query, err := template.NewQuery(literal(b, `{id: "{keys}", _limit: "{n}", sort: ASC, q: "name:{input.name}"}`))
	if err != nil {
		b.Fatal(err)
	}
	s := scope(b)
	s.Keys = nil
	for i := range 50 {
		s.Keys = append(s.Keys, template.LookupKey{Text: fmt.Sprint(1000 + i), Number: true})
	}
	for name, style := range map[string]template.Style{"repeat": template.Repeat, "comma": template.Comma} {
		b.Run(name, func(b *testing.B) {
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				if dst, err = query.Append(dst[:0], s, style); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkBody(b *testing.B) {
	value, err := template.NewValue(literal(b, `{ids: "{keys}", input: "{input}", owner: "{this.name}", limit: "{n}", gone: "{missing}"}`))
	if err != nil {
		b.Fatal(err)
	}
	s := scope(b)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		if dst, _, err = value.AppendJSON(dst[:0], s, template.AsIs); err != nil {
			b.Fatal(err)
		}
	}
}
