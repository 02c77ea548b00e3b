package operation

import (
	"errors"
	"fmt"
)

// Limits bounds what one document may ask. A zero field means its default.
type Limits struct {
	// MaxBytes is the length of the document's text. Default 128 KiB.
	MaxBytes int64 `yaml:"max_bytes"`
	// MaxTokens counts tokens as the parser does, comments included. Default 2,000.
	MaxTokens int `yaml:"max_tokens"`
	// MaxNesting is how deep braces, brackets and parentheses stand in one another. Default 64.
	MaxNesting int `yaml:"max_nesting"`
	// MaxDepth is how many fields stand in one another, fragments followed. Default 20: the introspection query of
	// GraphiQL has 15.
	MaxDepth int `yaml:"max_depth"`
	// MaxAliases is how many aliased fields an operation has; a fragment counts each time it is spread. Default 50.
	MaxAliases int `yaml:"max_aliases"`
	// MaxRootFields is how many fields an operation has at its root; a fragment counts each time it is spread.
	// Default 50.
	MaxRootFields int `yaml:"max_root_fields"`
	// MaxHeight is how many fields an operation has altogether; a fragment counts each time it is spread. Default 10,000.
	MaxHeight int `yaml:"max_height"`
	// MaxDirectives is how many directives one field, fragment, variable or operation has. Default 10.
	MaxDirectives int `yaml:"max_directives"`
	// MaxListItems is how many items one list has that is written in the document. Default 1,000.
	MaxListItems int `yaml:"max_list_items"`
	// MaxVariables is how many variables one operation has. Default 200.
	MaxVariables int `yaml:"max_variables"`
	// MaxOperations is how many operations one document has. Default 50.
	MaxOperations int `yaml:"max_operations"`
}

// deepest bounds max_nesting: the parser takes some hundred bytes of stack for a level, the process has 1 GB.
const deepest = 1000

// WithDefaults returns the limits with every zero replaced by its default.
func (l Limits) WithDefaults() Limits {
	if l.MaxBytes == 0 {
		l.MaxBytes = 128 << 10
	}
	for _, d := range []struct {
		field *int
		value int
	}{
		{&l.MaxTokens, 2000}, {&l.MaxNesting, 64}, {&l.MaxDepth, 20}, {&l.MaxAliases, 50}, {&l.MaxRootFields, 50},
		{&l.MaxHeight, 10_000}, {&l.MaxDirectives, 10}, {&l.MaxListItems, 1000}, {&l.MaxVariables, 200}, {&l.MaxOperations, 50},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return l
}

// Validate names every limit that makes no sense, by its key.
func (l Limits) Validate() error {
	var problems []error
	for _, f := range []struct {
		key   string
		value int64
	}{
		{"max_bytes", l.MaxBytes},
		{"max_tokens", int64(l.MaxTokens)},
		{"max_nesting", int64(l.MaxNesting)},
		{"max_depth", int64(l.MaxDepth)},
		{"max_aliases", int64(l.MaxAliases)},
		{"max_root_fields", int64(l.MaxRootFields)},
		{"max_height", int64(l.MaxHeight)},
		{"max_directives", int64(l.MaxDirectives)},
		{"max_list_items", int64(l.MaxListItems)},
		{"max_variables", int64(l.MaxVariables)},
		{"max_operations", int64(l.MaxOperations)},
	} {
		if f.value < 0 {
			problems = append(problems, fmt.Errorf("%s is negative", f.key))
		}
	}
	if l.MaxNesting > deepest {
		problems = append(problems, fmt.Errorf("max_nesting is %d: more than %d may exhaust the stack", l.MaxNesting, deepest))
	}
	return errors.Join(problems...)
}
