package view

import "reflect"

// Object makes v a typed view, nil for null and absent values. The error is a *CoerceError for what is no object.
func Object[T Of](v Value) (*T, error) {
	if v.Kind() == KindObject {
		return Pack[T](v), nil
	}
	return nil, ObjectErr(v, reflect.TypeFor[T]().Name())
}

// OrZero makes a coercion nullable whose type has a nil of its own.
func OrZero[T any](v Value, f func(Value) (T, error)) (T, error) {
	if v.IsNull() {
		var zero T
		return zero, nil
	}
	return f(v)
}

// NoType is the error of an object of an interface or union that doesn't tell which type it is: tag is the value that
// should.
func NoType(abstract string, tag Value) error {
	return &CoerceError{Public: `No type of "` + abstract + `" is known by: ` + inspect(tag) + `.`}
}
