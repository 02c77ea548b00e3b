package documents

import "github.com/99designs/gqlgen/graphql"

// given is an id among the extensions of a request. What clients write there is never of this type.
type given string

// idMember is where it stands.
const idMember = "documentId"

// SetID notes in params by which id the client names its document. It is for whoever reads requests; IDOf finds it, on
// whatever road the request came.
func SetID(params *graphql.RawParams, id string) {
	if id == "" {
		return
	}
	if params.Extensions == nil {
		params.Extensions = map[string]any{}
	}
	params.Extensions[idMember] = given(id)
}

// IDOf is the id that SetID noted, "" for none.
func IDOf(params *graphql.RawParams) string {
	id, _ := params.Extensions[idMember].(given)
	return string(id)
}

// Names says whether params name a document, so that they need no text.
func Names(params *graphql.RawParams) bool {
	return params.Extensions != nil && (params.Extensions["persistedQuery"] != nil || IDOf(params) != "")
}
