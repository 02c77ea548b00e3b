package rest

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/tributary-gateway/tributary/upstreams/view"
)

// Check says what is wrong with an answer that was fine by its status: it's no JSON, or says itself that it's an error.
func (c *Client) Check(res *http.Response, body []byte) error {
	if len(body) == 0 {
		return nil
	}
	if contentType := res.Header.Get("Content-Type"); !isJSON(contentType) {
		return fmt.Errorf("content type %q isn't JSON", contentType)
	}
	document, err := view.Parse(body)
	if err != nil {
		return err
	}
	if when := c.service.Errors.When; when != nil && says(document.Root().At(*when)) {
		return errors.New("the answer says that it's an error")
	}
	return nil
}
