package view

// Of is the constraint of typed views: every type that is defined as Value is, such as `type Product view.Value`.
type Of interface {
	~struct {
		doc  *Document
		node uint32
	}
}

// Pack makes v a typed view, and nil when v is null or absent. Whether v is an object at all isn't asked here: that
// is what ObjectErr is for.
func Pack[T Of](v Value) *T {
	if v.IsNull() {
		return nil
	}
	t := T(v)
	return &t
}

// PackList makes the elements of an array typed views, nil where an element is null. All views share one allocation. For
// a value that is no array the result is nil: ask ListErr whether that's an error.
func PackList[T Of](v Value) []*T {
	if v.Kind() != KindArray {
		return nil
	}
	views := make([]T, v.Len())
	list := make([]*T, v.Len())
	for i, e := range v.Elems() {
		if !e.IsNull() {
			views[i] = T(e)
			list[i] = &views[i]
		}
	}
	return list
}

// Unpack is the value behind a typed view, absent for nil.
func Unpack[T Of](p *T) Value {
	if p == nil {
		return Value{}
	}
	return Value(*p)
}

// ObjectErr is nil when v can be an object of the GraphQL type: when it's an object, null or absent. Otherwise it's a
// *CoerceError.
func ObjectErr(v Value, typeName string) error {
	if v.IsNull() || v.Kind() == KindObject {
		return nil
	}
	return &CoerceError{Public: `Expected value of type "` + typeName + `" but got: ` + inspect(v) + `.`}
}

// ListErr is nil when v can be a list: when it's an array, null or absent. Otherwise it's a *CoerceError.
func ListErr(v Value) error {
	if v.IsNull() || v.Kind() == KindArray {
		return nil
	}
	return &CoerceError{Public: "Expected Iterable, but got: " + inspect(v) + "."}
}
