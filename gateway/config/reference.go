package config

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
)

// Reference is the page of all keys of gateway.yaml, in Markdown, made from the comments of the fields.
func Reference() []byte {
	var page bytes.Buffer
	page.WriteString("# Every key of gateway.yaml\n\nMade from the code by `go generate ./gateway/config`; [configuration.md](configuration.md) says how the file is read.\n" +
		"`<name>` stands for a name of yours, `[]` for the entries of a list.\n")
	config := reflect.TypeFor[Config]()
	var single []row
	for _, f := range fieldsOf(config) {
		if rows := rowsOf(f.typ, f.name, describeField(f)); len(rows) == 1 && rows[0].key == f.name {
			single = append(single, rows...)
		}
	}
	writeTable(&page, "The gateway", "", single)
	for _, f := range fieldsOf(config) {
		if rows := rowsOf(f.typ, f.name, describeField(f)); len(rows) > 0 && rows[0].key != f.name {
			writeTable(&page, "`"+f.name+"`", describeField(f), rows)
		}
	}
	return page.Bytes()
}

// row is one key.
type row struct{ key, meaning string }

// rowsOf lists the keys of a type that stands at path.
func rowsOf(t reflect.Type, path, meaning string) []row {
	switch {
	case isText(t):
	case t.Kind() == reflect.Pointer:
		return rowsOf(t.Elem(), path, meaning)
	case t.Kind() == reflect.Map && isSection(t.Elem()):
		return rowsOf(t.Elem(), path+".<name>", meaning)
	case t.Kind() == reflect.Slice && isSection(t.Elem()):
		return append([]row{{path, meaning}}, rowsOf(t.Elem(), path+"[]", meaning)...)
	case t.Kind() == reflect.Struct:
		var rows []row
		for _, f := range fieldsOf(t) {
			rows = append(rows, rowsOf(f.typ, join(path, f.name), describeField(f))...)
		}
		return rows
	}
	return []row{{path, meaning}}
}

func writeTable(page *bytes.Buffer, title, text string, rows []row) {
	fmt.Fprintf(page, "\n## %s\n\n", title)
	if text != "" {
		fmt.Fprintf(page, "%s\n\n", strings.ReplaceAll(text, "\n", " "))
	}
	page.WriteString("| key | meaning |\n|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(page, "| `%s` | %s |\n", r.key, strings.NewReplacer("\n", " ", "|", `\|`).Replace(r.meaning))
	}
}
