package view

// inspect is what a value is, for an error message: not the value itself, which clients may read only when it fits.
func inspect(v Value) string {
	switch v.Kind() {
	case KindAbsent:
		return "undefined"
	case KindNull:
		return "null"
	case KindBool:
		return "a boolean"
	case KindNumber:
		return "a number"
	case KindString:
		return "a string"
	case KindArray:
		return "a list"
	default:
		return "an object"
	}
}
