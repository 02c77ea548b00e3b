package operation

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// coerce holds variables against the definitions of an operation, by the input coercion of the specification (October
// 2021, §3 and §6.1.2): gqlparser's own takes numbers for strings, strings for numbers and enum values in any case.
// Values come as encoding/json makes them with UseNumber. The result has a new map and new lists and objects, whole
// numbers in their plain form, and no member for a variable that was not given; defaults are the executor's to add.
func coerce(schema *ast.Schema, operation *ast.OperationDefinition, given map[string]any) (map[string]any, gqlerror.List) {
	c := coercion{schema: schema}
	coerced := make(map[string]any, len(given))
	for _, definition := range operation.VariableDefinitions {
		c.variable = definition
		value, ok := given[definition.Variable]
		switch {
		case !ok && definition.DefaultValue == nil && definition.Type.NonNull:
			c.refuse("Variable \"$%s\" of required type %q was not provided.", definition.Variable, definition.Type)
		case ok && value == nil && definition.Type.NonNull:
			c.refuse("Variable \"$%s\" of non-null type %q must not be null.", definition.Variable, definition.Type)
		case ok:
			coerced[definition.Variable] = c.value(definition.Type, value, nil)
		}
	}
	return coerced, c.errs.list()
}

type coercion struct {
	schema   *ast.Schema
	variable *ast.VariableDefinition // whose value is being looked at
	errs     errorList
}

// place is where in a variable's value something stands; nil is the value itself.
type place struct {
	above *place
	name  string // of a member, "" for an item
	index int    // of an item
}

func (p *place) String() string {
	var steps []string
	for ; p != nil; p = p.above {
		if p.name != "" {
			steps = append(steps, "."+p.name)
		} else {
			steps = append(steps, "["+strconv.Itoa(p.index)+"]")
		}
	}
	slices.Reverse(steps)
	return strings.Join(steps, "")
}

func (c *coercion) refuse(format string, args ...any) {
	if c.errs.full() {
		c.errs.added++ // without its text: a body may have room for 100,000 of them
		return
	}
	c.errs.add(refusal(fail.ValidationFailed, shorten(fmt.Sprintf(format, args...), longest), locate(c.variable.Position)...))
}

// invalid refuses a value inside the variable.
func (c *coercion) invalid(value any, at *place, format string, args ...any) any {
	if c.errs.full() {
		c.errs.added++
		return nil
	}
	where := ""
	if at != nil {
		where = fmt.Sprintf(" at %q", c.variable.Variable+cut(at.String()))
	}
	c.refuse("Variable \"$%s\" got invalid value %s%s; %s", c.variable.Variable, show(value), where, fmt.Sprintf(format, args...))
	return nil
}

func (c *coercion) value(typ *ast.Type, value any, at *place) any {
	if value == nil {
		if typ.NonNull {
			return c.invalid(value, at, "Expected non-nullable type %q not to be null.", typ)
		}
		return nil
	}
	if typ.Elem != nil {
		return c.list(typ, value, at)
	}
	definition := c.schema.Types[typ.NamedType]
	switch {
	case definition == nil: // the rules have refused it
		return value
	case definition.Kind == ast.InputObject:
		return c.object(definition, value, at)
	case definition.Kind == ast.Enum:
		return c.enum(definition, value, at)
	default:
		return c.scalar(definition.Name, value, at)
	}
}

func (c *coercion) list(typ *ast.Type, value any, at *place) any {
	items, ok := value.([]any)
	if !ok {
		return []any{c.value(typ.Elem, value, at)}
	}
	coerced := make([]any, len(items))
	here := &place{above: at}
	for i, item := range items {
		here.index = i
		coerced[i] = c.value(typ.Elem, item, here)
	}
	return coerced
}

func (c *coercion) object(definition *ast.Definition, value any, at *place) any {
	members, ok := value.(map[string]any)
	if !ok {
		return c.invalid(value, at, "Expected type %q to be an object.", definition.Name)
	}
	var coerced map[string]any
	if !c.errs.full() { // else nobody gets to see it
		coerced = make(map[string]any, len(members))
	}
	known := 0
	for _, field := range definition.Fields {
		member, ok := members[field.Name]
		switch {
		case ok:
			known++
			if value := c.value(field.Type, member, &place{above: at, name: field.Name}); coerced != nil {
				coerced[field.Name] = value
			}
		case field.Type.NonNull && field.DefaultValue == nil:
			c.invalid(value, at, "Field %q of required type %q was not provided.", field.Name, field.Type)
		}
	}
	switch {
	case known == len(members):
	case c.errs.full():
		c.errs.added += len(members) - known
	default:
		for _, name := range slices.Sorted(maps.Keys(members)) {
			if definition.Fields.ForName(name) == nil {
				c.invalid(value, at, "Field %q is not defined by type %q.", cut(name), definition.Name)
			}
		}
	}
	if definition.Directives.ForName("oneOf") != nil {
		if len(members) != 1 {
			return c.invalid(value, at, "Exactly one field must be given for type %q.", definition.Name)
		}
		for name, member := range members {
			if member == nil {
				c.invalid(member, &place{above: at, name: name}, "Field %q must not be null.", cut(name))
			}
		}
	}
	return coerced
}

func (c *coercion) enum(definition *ast.Definition, value any, at *place) any {
	name, ok := value.(string)
	if !ok {
		return c.invalid(value, at, "Enum %q cannot represent non-string value.", definition.Name)
	}
	if definition.EnumValues.ForName(name) == nil {
		return c.invalid(value, at, "Value %q does not exist in %q enum.", cut(name), definition.Name)
	}
	return name
}

// scalar checks the built-in scalars. The others are the business of those who bind them.
func (c *coercion) scalar(name string, value any, at *place) any {
	number, isNumber := value.(json.Number)
	text, isText := value.(string)
	switch name {
	case "Int":
		n, whole := integer(number)
		switch {
		case !isNumber || !whole:
			return c.invalid(value, at, "Int cannot represent non-integer value.")
		case n < math.MinInt32 || n > math.MaxInt32:
			return c.invalid(value, at, "Int cannot represent non 32-bit signed integer value.")
		}
		return json.Number(strconv.FormatInt(n, 10))
	case "Float":
		if _, err := number.Float64(); !isNumber || err != nil {
			return c.invalid(value, at, "Float cannot represent non numeric value.")
		}
	case "String":
		if !isText {
			return c.invalid(value, at, "String cannot represent a non string value.")
		}
		return text
	case "Boolean":
		if _, ok := value.(bool); !ok {
			return c.invalid(value, at, "Boolean cannot represent a non boolean value.")
		}
	case "ID":
		if n, whole := integer(number); isNumber && whole {
			return strconv.FormatInt(n, 10)
		}
		if !isText {
			return c.invalid(value, at, "ID cannot represent value.")
		}
		return text
	}
	return value
}

// longestInteger is the length of the longest form, other than digits alone, in which a whole number is read.
const longestInteger = 40

// integer reads a whole number of 64 bits, also one written as 3.0 or 3e2. It is exact: what isn't whole isn't rounded
// to what is.
func integer(number json.Number) (int64, bool) {
	text := string(number)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	if len(text) > longestInteger {
		return 0, false
	}
	mantissa, power, _ := strings.Cut(strings.ToLower(text), "e")
	exponent, err := strconv.Atoi(power)
	if power != "" && (err != nil || exponent < -longestInteger || exponent > longestInteger) {
		return 0, false
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits, point := whole+fraction, len(whole)+exponent
	switch {
	case point <= 0:
		digits, fraction = "0", digits
	case point >= len(digits):
		digits, fraction = digits+strings.Repeat("0", point-len(digits)), ""
	default:
		digits, fraction = digits[:point], digits[point:]
	}
	if strings.Trim(fraction, "-0") != "" {
		return 0, false
	}
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return n, true
	}
	return 0, digits == "-"
}

// show writes a value for a message: scalars as JSON, cut; of lists and objects only what they are.
func show(value any) string {
	switch value := value.(type) {
	case []any:
		return "[…]"
	case map[string]any:
		return "{…}"
	case string:
		return strconv.Quote(cut(value))
	default:
		text, err := json.Marshal(value)
		if err != nil {
			return "a value"
		}
		return cut(string(text))
	}
}
