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

// check holds a document against the specification's rules. What is wrong gets suggestions only when there is little of
// it: making one for each of a thousand names takes its time even when nobody gets to read it.
func check(schema *ast.Schema, doc *ast.QueryDocument, suggest, introspect bool) gqlerror.List {
	errs := hold(schema, doc, false, introspect)
	if suggest && errs.added > 0 && errs.added <= MaxErrors {
		errs = hold(schema, doc, true, introspect)
	}
	return errs.list()
}

func hold(schema *ast.Schema, doc *ast.QueryDocument, suggest, introspect bool) errorList {
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
	once := *doc
	set.AddRule("FragmentsOnce", fragmentsOnce(schema, doc, &once))
	// The walk is what finds the errors; its own list stays empty.
	_ = validator.ValidateWithRules(schema, &once, set)
	return errs
}

// fragmentsOnce keeps the walk from going through a fragment again from every fragment that reaches it, which is the
// square of a chain of them. The walk begins with the operations and what they reach; then it comes to the fragments one
// by one, which have nothing in them by then. What no operation reaches is refused for that.
func fragmentsOnce(schema *ast.Schema, doc, walked *ast.QueryDocument) core.RuleFunc {
	left := len(doc.Operations)
	return func(observers *core.Events, _ core.AddErrFunc) {
		observers.OnOperation(func(*core.Walker, *ast.OperationDefinition) {
			if left--; left > 0 {
				return
			}
			walked.Fragments = make(ast.FragmentDefinitionList, len(doc.Fragments))
			for i, fragment := range doc.Fragments {
				fragment.Definition = schema.Types[fragment.TypeCondition]
				empty := *fragment
				empty.SelectionSet = nil
				walked.Fragments[i] = &empty
			}
		})
	}
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
