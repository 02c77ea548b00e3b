package subscription

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
)

// params reads the parameters of a request's operation, and answers when there are none.
func (h *Handler) params(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, bool) {
	var data []byte
	var status int
	var err error
	if r.Method == http.MethodGet {
		data, status, err = fromURL(r.URL.RawQuery)
	} else {
		data, status, err = h.fromBody(w, r)
	}
	if err != nil {
		refuse(w, status, err.Error())
		return nil, false
	}
	params, err := h.options.Params(data)
	if err != nil {
		refuse(w, http.StatusBadRequest, "The request is not one of GraphQL: "+err.Error()+".")
		return nil, false
	}
	params.Headers = r.Header
	return params, true
}

func (h *Handler) fromBody(w http.ResponseWriter, r *http.Request) (data []byte, status int, err error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset, given := params["charset"]
	switch {
	case err != nil || media != "application/json" || len(r.Header.Values("Content-Type")) != 1:
		return nil, http.StatusUnsupportedMediaType, errors.New("The body must be application/json, and Content-Type must say so.")
	case given && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "utf8"):
		return nil, http.StatusUnsupportedMediaType, errors.New("The body must be UTF-8.")
	}
	data, err = io.ReadAll(http.MaxBytesReader(w, r.Body, h.config.MaxMessageBytes))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, http.StatusRequestEntityTooLarge, errors.New("The body is over the limit.")
	case err != nil:
		return nil, http.StatusBadRequest, errors.New("The body ended early.")
	case !utf8.Valid(data):
		return nil, http.StatusBadRequest, errors.New("The body is not UTF-8.")
	}
	return data, 0, nil
}

// fromURL makes of a GET's parameters what a POST's body would be.
func fromURL(rawQuery string) (data []byte, status int, err error) {
	values, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, http.StatusBadRequest, errors.New("The query string of the URL is not form-encoded.")
	}
	data = []byte{'{'}
	for _, name := range []string{"query", "operationName", "variables", "extensions", "documentId", "doc_id", "id"} {
		given := values[name]
		switch {
		case len(given) > 1:
			return nil, http.StatusBadRequest, errors.New("A parameter stands twice in the URL.")
		case len(given) == 0 || given[0] == "": // an empty one is a form's empty field
			continue
		case !utf8.ValidString(given[0]):
			return nil, http.StatusBadRequest, errors.New("A parameter is not UTF-8.")
		}
		if len(data) > 1 {
			data = append(data, ',')
		}
		data = append(append(append(data, '"'), name...), `":`...)
		if name != "variables" && name != "extensions" {
			data = appendJSON(data, given[0])
			continue
		}
		if !json.Valid([]byte(given[0])) {
			return nil, http.StatusBadRequest, errors.New("A parameter is not valid JSON.")
		}
		data = append(data, given[0]...)
	}
	return append(data, '}'), 0, nil
}

// known identifies the client of a request, and answers when it isn't let in.
func (h *Handler) known(w http.ResponseWriter, r *http.Request) (*http.Request, Client, bool) {
	ctx, client, err := h.identify(r.Context(), r, nil)
	if err == nil {
		return r.WithContext(ctx), client, true
	}
	status, message := unidentified(err)
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	refuse(w, status, message)
	return nil, Client{}, false
}
