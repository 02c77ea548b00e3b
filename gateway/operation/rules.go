package operation

import (
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// silent pairs the rules that suggest names of the schema with the ones that don't.
var silent = []struct{ replaced, by core.Rule }{
	{rules.FieldsOnCorrectTypeRule, rules.FieldsOnCorrectTypeRuleWithoutSuggestions},
	{rules.KnownArgumentNamesRule, rules.KnownArgumentNamesRuleWithoutSuggestions},
	{rules.KnownTypeNamesRule, rules.KnownTypeNamesRuleWithoutSuggestions},
	{rules.ScalarLeafsRule, rules.ScalarLeafsRuleWithoutSuggestions},
	{rules.ValuesOfCorrectTypeRule, rules.ValuesOfCorrectTypeRuleWithoutSuggestions},
}

// suggestible is the length of the longest document that gets suggestions: they are for people who type, and each
// costs the length of the wrong name times all names of the schema.
const suggestible = 8 << 10

// check holds a document against the specification's rules.
func check(schema *ast.Schema, doc *ast.QueryDocument, suggest, introspect bool) gqlerror.List {
	set := rules.NewDefaultRules()
	set.RemoveRule(rules.MaxIntrospectionDepth.Name) // survey does it
	if !suggest {
		for _, pair := range silent {
			set.ReplaceRule(pair.replaced.Name, pair.by.RuleFunc)
		}
	}
	if !introspect {
		set.AddRule("NoIntrospection", noIntrospection)
	}
	var errs errorList
	set.ReplaceRule(overlapName, overlap(&errs))
	set.AddRule("IntLiterals", intLiterals)
	for name, rule := range set.GetInner() {
		set.ReplaceRule(name, bounded(name, rule, &errs))
	}
	// The walk is what finds the errors; its own list stays empty.
	_ = validator.ValidateWithRules(schema, doc, set)
	return errs.list()
}

// bounded makes a rule write to errs, so that a message is built only when it is told.
func bounded(name string, rule core.RuleFunc, errs *errorList) core.RuleFunc {
	return func(observers *core.Events, _ core.AddErrFunc) {
		rule(observers, func(options ...core.ErrorOption) {
			if errs.full() {
				errs.added++
				return
			}
			err := &gqlerror.Error{Rule: name}
			for _, option := range options {
				option(err)
			}
			told := refusal(fail.ValidationFailed, shorten(err.Message, longest), err.Locations...)
			told.Rule = name
			errs.add(told)
		})
	}
}

func noIntrospection(observers *core.Events, addError core.AddErrFunc) {
	observers.OnField(func(_ *core.Walker, field *ast.Field) {
		if field.Name == "__schema" || field.Name == "__type" {
			addError(core.Message("Introspection is off: %q can't be asked for.", field.Name), core.At(field.Position))
		}
	})
}

// intLiterals refuses literals of more than 32 bits where an Int is wanted (October 2021, section 3.5.1): the resolver of
// the field would, but by then its siblings may have run.
func intLiterals(observers *core.Events, addError core.AddErrFunc) {
	observers.OnValue(func(_ *core.Walker, value *ast.Value) {
		if value.Kind != ast.IntValue || value.Definition == nil || value.Definition.Name != "Int" {
			return
		}
		if _, err := strconv.ParseInt(value.Raw, 10, 32); err != nil {
			addError(core.Message("Int cannot represent non 32-bit signed integer value: %s", value.Raw), core.At(value.Position))
		}
	})
}
