package scalar

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// inspectRunes is how much of a value an error message shows.
const inspectRunes = 60

// The limits of graphql-js.
const (
	inspectDepth = 2
	inspectItems = 10
)

// inspect is a client's value for an error message, as graphql-js prints values: `"text"`, `[1, 2]`, `{ id: 1 }`.
func inspect(v any) string {
	var b strings.Builder
	printValue(&b, v, 0)
	text := b.String()
	if utf8.RuneCountInString(text) <= inspectRunes {
		return text
	}
	return string([]rune(text)[:inspectRunes]) + "…"
}

func printValue(b *strings.Builder, v any, depth int) {
	if b.Len() > utf8.UTFMax*inspectRunes {
		return // enough for what is shown
	}
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case string:
		b.Write(AppendString(nil, v))
	case float64:
		b.WriteString(strconv.FormatFloat(v, 'g', -1, 64))
	case bool, int, int32, int64, json.Number:
		fmt.Fprint(b, v)
	case []any:
		printList(b, v, depth)
	case map[string]any:
		printObject(b, v, depth)
	default:
		b.WriteString("a value of another type")
	}
}

func printList(b *strings.Builder, list []any, depth int) {
	switch {
	case len(list) == 0:
		b.WriteString("[]")
		return
	case depth == inspectDepth:
		b.WriteString("[Array]")
		return
	}
	b.WriteByte('[')
	for i, item := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		if more := len(list) - i; i == inspectItems && more == 1 {
			b.WriteString("... 1 more item")
			break
		} else if i == inspectItems {
			fmt.Fprintf(b, "... %d more items", more)
			break
		}
		printValue(b, item, depth+1)
	}
	b.WriteByte(']')
}

func printObject(b *strings.Builder, object map[string]any, depth int) {
	switch {
	case len(object) == 0:
		b.WriteString("{}")
		return
	case depth == inspectDepth:
		b.WriteString("[Object]")
		return
	}
	b.WriteString("{ ")
	for i, name := range slices.Sorted(maps.Keys(object)) {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(name + ": ")
		printValue(b, object[name], depth+1)
	}
	b.WriteString(" }")
}
