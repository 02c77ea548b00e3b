package scalar

import "github.com/99designs/gqlgen/graphql"

const notUpload = "Upload cannot represent a value that is no file: "

// MarshalUpload is gqlgen's; no answer has files.
func MarshalUpload(f graphql.Upload) graphql.Marshaler { return graphql.MarshalUpload(f) }

// UnmarshalUpload takes a file of the request.
func UnmarshalUpload(v any) (graphql.Upload, error) {
	if file, ok := v.(graphql.Upload); ok {
		return file, nil
	}
	return graphql.Upload{}, refuse(notUpload, v)
}
