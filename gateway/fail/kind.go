package fail

// Kind is a class of failure. Adding one is one row in the table below.
type Kind int

// The kinds, in the order of the table.
const (
	// Internal is anything unknown. Its public text is fixed.
	Internal Kind = iota
	// ParseFailed: the document isn't GraphQL.
	ParseFailed
	// ValidationFailed: the document doesn't fit the schema, or a variable doesn't fit its type.
	ValidationFailed
	// BadRequest: the HTTP request isn't a GraphQL request.
	BadRequest
	// BadInput: a value of the client's that the gateway or a service refuses.
	BadInput
	// TooLarge: a document or body over a limit.
	TooLarge
	// Unauthenticated: the gateway or a service wants to know who is calling (401).
	Unauthenticated
	// Forbidden: a service refuses this caller (403).
	Forbidden
	// NotFound: there is no such thing and the schema says that this is an error.
	NotFound
	// Conflict: a service refuses because of its present state (409).
	Conflict
	// UpstreamRateLimited: a service answered 429.
	UpstreamRateLimited
	// UpstreamError: a service answered with an error that is none of the above.
	UpstreamError
	// UpstreamUnavailable: no connection could be made.
	UpstreamUnavailable
	// UpstreamTimeout: a service didn't answer in time.
	UpstreamTimeout
	// UpstreamInvalidResponse: a service's answer isn't JSON, is cut, too big, or not of the type the schema promises.
	UpstreamInvalidResponse
	// Canceled: the client went away. It's not an error of ours and isn't logged as one.
	Canceled
	// UnauthorizedFieldOrType: the schema keeps a field or type from this caller.
	UnauthorizedFieldOrType
	// TooExpensive: an operation is estimated to cost more than its plan lets one cost.
	TooExpensive
	// RateLimited: the client has too few points left.
	RateLimited
	// ConcurrencyLimited: the client has too many operations under way.
	ConcurrencyLimited
	// RateLimiterUnavailable: points can't be counted and the plan says not to go on without.
	RateLimiterUnavailable
	// PersistedQueryNotFound: no text is known for a hash; clients send the text with the hash then.
	PersistedQueryNotFound
	// PersistedQueryNotSupported: no texts are remembered; clients send them from then on.
	PersistedQueryNotSupported
	// UnknownDocument: no trusted document has this id.
	UnknownDocument
	// UntrustedDocument: the plan runs trusted documents only, and this is none.
	UntrustedDocument

	kinds // how many there are
)

var table = [kinds]struct{ code, text string }{
	Internal:                {"INTERNAL", "Something went wrong on our side."},
	ParseFailed:             {"GRAPHQL_PARSE_FAILED", "The document is not valid GraphQL."},
	ValidationFailed:        {"GRAPHQL_VALIDATION_FAILED", "The document does not fit the schema."},
	BadRequest:              {"BAD_REQUEST", "The request is not a GraphQL request."},
	BadInput:                {"BAD_USER_INPUT", "A value was refused."},
	TooLarge:                {"REQUEST_TOO_LARGE", "The request is over a limit."},
	Unauthenticated:         {"UNAUTHENTICATED", "Credentials are missing or wrong."},
	Forbidden:               {"FORBIDDEN", "The service refused this caller."},
	NotFound:                {"NOT_FOUND", "There is no such thing."},
	Conflict:                {"CONFLICT", "The service refused because of its present state."},
	UpstreamRateLimited:     {"UPSTREAM_RATE_LIMITED", "The service is busy."},
	UpstreamError:           {"UPSTREAM_ERROR", "The service answered with an error."},
	UpstreamUnavailable:     {"UPSTREAM_UNAVAILABLE", "The service can't be reached."},
	UpstreamTimeout:         {"UPSTREAM_TIMEOUT", "The service didn't answer in time."},
	UpstreamInvalidResponse: {"UPSTREAM_INVALID_RESPONSE", "The service's answer can't be read."},
	Canceled:                {"CANCELED", "The request was canceled."},
	UnauthorizedFieldOrType: {"UNAUTHORIZED_FIELD_OR_TYPE", "This is not for the caller to see."},
	TooExpensive:            {"COST_ESTIMATED_TOO_EXPENSIVE", "The operation costs too much."},
	RateLimited:             {"RATE_LIMITED", "The client has spent its points."},
	ConcurrencyLimited:      {"CONCURRENCY_LIMITED", "The client has too many operations under way."},
	RateLimiterUnavailable:  {"RATE_LIMITER_UNAVAILABLE", "The client's points can't be counted now."},
	// Clients look for these two texts.
	PersistedQueryNotFound:     {"PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound"},
	PersistedQueryNotSupported: {"PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported"},
	UnknownDocument:            {"PERSISTED_QUERY_NOT_IN_LIST", "No document has this id."},
	UntrustedDocument:          {"QUERY_NOT_IN_SAFELIST", "Only documents that are known beforehand may be run."},
}

// Code is the value of extensions.code.
func (k Kind) Code() string { return k.row().code }

// Text is the public text of a failure that brings none of its own.
func (k Kind) Text() string { return k.row().text }

// String is the code.
func (k Kind) String() string { return k.Code() }

func (k Kind) row() struct{ code, text string } {
	if k < 0 || k >= kinds {
		return table[Internal]
	}
	return table[k]
}

// Kinds lists every kind, for tests and documentation that walk all of them.
func Kinds() []Kind {
	all := make([]Kind, kinds)
	for i := range all {
		all[i] = Kind(i)
	}
	return all
}
