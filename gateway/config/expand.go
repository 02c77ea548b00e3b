package config

import (
	"strings"
	"unicode/utf8"
)

// expand replaces ${NAME} and ${NAME:-default} in one scalar by the variables that lookup knows; $${ stands for ${
// itself. As in a shell, a default also serves for a variable that is set and empty. What a variable holds is taken as
// it is and is not looked at again, neither for ${ nor as YAML: it can fill the value it stands in and nothing else.
// expanded says whether there was anything to replace. On error, column is how many characters into text the mistake is.
func expand(text string, lookup func(string) (string, bool)) (out string, expanded bool, column int, err error) {
	var b strings.Builder
	for rest := text; ; {
		i := strings.Index(rest, "${")
		if i < 0 {
			b.WriteString(rest)
			return b.String(), expanded, 0, nil
		}
		if i > 0 && rest[i-1] == '$' {
			b.WriteString(rest[:i-1] + "${")
			rest = rest[i+2:]
			continue
		}
		b.WriteString(rest[:i])
		column = utf8.RuneCountInString(text[:len(text)-len(rest)+i])
		end := strings.IndexByte(rest[i:], '}')
		if end < 0 {
			return "", true, column, wrong("${ without }").hint("write $${ for the characters ${")
		}
		name, fallback, hasFallback := strings.Cut(rest[i+2:i+end], ":-")
		if !isVariable(name) {
			return "", true, column, wrong("%q is not the name of a variable", name).hint("write ${NAME} or ${NAME:-default}; write $${ for the characters ${")
		}
		value, set := lookup(name)
		switch {
		case hasFallback && value == "":
			value = fallback
		case !set:
			return "", true, column, wrong("the environment variable %s is not set", name).hint("set it, or give a default: ${%s:-default}", name)
		}
		b.WriteString(value)
		expanded = true
		rest = rest[i+end+1:]
	}
}

// isVariable says whether name can be an environment variable: letters, digits, underscores, no digit first.
func isVariable(name string) bool {
	for i, r := range name {
		letter := r == '_' || (r >= 'A' && r <= 'Z') || (r >= 'a' && r <= 'z')
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}
