package event

import (
	"strings"
	"unicode"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/template"
)

// longestPart is how many bytes of a topic one value may be.
const longestPart = 256

// topicOf fills in the template of a topic. A value can't bring a ":" along, nor a "/", which is what parts are told
// apart by: with "orders:{id}" nobody listens to "orders:42:internal".
func topicOf(t *template.Text, scope *template.Scope) (Topic, error) {
	for _, hole := range t.Placeholders() {
		one, err := template.Parse(hole.Text)
		if err != nil {
			return "", fail.Wrap(fail.Internal, "topic", err)
		}
		value, ok, err := one.Append(nil, scope)
		switch {
		case err != nil:
			return "", err
		case !ok || len(value) == 0:
			return "", fail.Newf(fail.BadInput, "%s needs a value.", hole.Text)
		case len(value) > longestPart:
			return "", fail.Newf(fail.BadInput, "The value of %s is too long.", hole.Text)
		case strings.ContainsFunc(string(value), func(r rune) bool { return r == ':' || r == '/' || unicode.IsControl(r) }):
			return "", fail.Newf(fail.BadInput, "The value of %s can't have a colon, a slash or control characters.", hole.Text)
		}
	}
	text, _, err := t.Append(nil, scope)
	if err == nil && !Topic(text).Valid() {
		err = badTopic()
	}
	return Topic(text), err
}
