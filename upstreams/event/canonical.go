package event

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/tributary-gateway/tributary/upstreams/view"
)

// appendCanonical appends a value so that two values which say the same have the same bytes: without white space, the
// members of objects in the order of their names, the last of two of one name, texts with the same escapes. Numbers stay as
// they are written.
func appendCanonical(dst []byte, v view.Value) []byte {
	switch v.Kind() {
	case view.KindObject:
		type member struct {
			name  string
			value view.Value
		}
		all := make([]member, 0, v.Len())
		for name, value := range v.Members() {
			all = append(all, member{name, value})
		}
		slices.SortStableFunc(all, func(a, b member) int { return cmp.Compare(a.name, b.name) })
		dst = append(dst, '{')
		first := true
		for i, m := range all {
			if i+1 < len(all) && all[i+1].name == m.name {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(appendText(dst, m.name), ':')
			dst = appendCanonical(dst, m.value)
		}
		return append(dst, '}')
	case view.KindArray:
		dst = append(dst, '[')
		for i, e := range v.Elems() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendCanonical(dst, e)
		}
		return append(dst, ']')
	case view.KindString:
		text, _ := v.Any().(string)
		return appendText(dst, text)
	case view.KindAbsent:
		return append(dst, "absent"...)
	default:
		return append(dst, v.Raw()...)
	}
}

func appendText(dst []byte, text string) []byte {
	quoted, _ := json.Marshal(text) //nolint:errchkjson // a text is always encoded
	return append(dst, quoted...)
}
