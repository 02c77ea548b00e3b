package event

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// Push answers POST /events: {"topic": "orders:42", "payload": …} is published. It is nil when no token is configured.
// Who pushes shows one of the tokens as a bearer token.
func (h *Hub) Push() http.Handler {
	if len(h.config.Tokens) == 0 {
		return nil
	}
	sums := make([][sha256.Size]byte, len(h.config.Tokens))
	for i, token := range h.config.Tokens {
		sums[i] = sha256.Sum256([]byte(token.Reveal()))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			refuse(w, http.StatusMethodNotAllowed, fail.New(fail.BadRequest, "Events are sent by POST."))
			return
		}
		if !bearer(r, sums) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			refuse(w, http.StatusUnauthorized, fail.New(fail.Unauthenticated, ""))
			return
		}
		topic, payload, status, err := h.read(w, r)
		if err == nil {
			err = h.Publish(r.Context(), topic, payload)
			status = statuses[fail.KindOf(err)]
		}
		if err != nil {
			refuse(w, status, err)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})
}

// statuses are those of what Publish refuses.
var statuses = map[fail.Kind]int{
	fail.BadInput: http.StatusBadRequest, fail.TooLarge: http.StatusRequestEntityTooLarge, fail.UpstreamUnavailable: http.StatusServiceUnavailable,
}

// bearer compares without telling by its time how much was right, nor which token it was.
func bearer(r *http.Request, sums [][sha256.Size]byte) bool {
	given := r.Header.Values("Authorization")
	if len(given) != 1 {
		return false
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	ok := 0
	for i := range sums {
		ok |= subtle.ConstantTimeCompare(sum[:], sums[i][:])
	}
	return ok == 1 && strings.EqualFold(scheme, "Bearer")
}

// envelope is what JSON around a payload may add to the bytes of an event.
const envelope = 4 << 10

func (h *Hub) read(w http.ResponseWriter, r *http.Request) (topic Topic, payload []byte, status int, err error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return "", nil, http.StatusUnsupportedMediaType, fail.New(fail.BadRequest, "The body must be application/json, and Content-Type must say so.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.config.MaxEventBytes+envelope))
	if over := new(http.MaxBytesError); errors.As(err, &over) {
		return "", nil, http.StatusRequestEntityTooLarge, fail.New(fail.TooLarge, "The event is over the limit.")
	}
	if err != nil {
		return "", nil, http.StatusBadRequest, fail.New(fail.BadRequest, "The body ended early.")
	}
	document, err := view.Parse(body)
	if err != nil || document.Root().Kind() != view.KindObject {
		return "", nil, http.StatusBadRequest, fail.New(fail.BadRequest, "The body must be a JSON object.")
	}
	seen := map[string]view.Value{}
	for name, value := range document.Root().Members() {
		if _, twice := seen[name]; twice || name != "topic" && name != "payload" {
			return "", nil, http.StatusBadRequest, fail.New(fail.BadRequest, `The body has "topic" and "payload", each once, and nothing else.`)
		}
		seen[name] = value
	}
	name, isText := seen["topic"].Any().(string)
	if raw := seen["payload"].Raw(); isText && raw != nil {
		return Topic(name), raw, 0, nil
	}
	return "", nil, http.StatusBadRequest, fail.New(fail.BadRequest, `The body must have "topic", a text, and "payload".`)
}

func refuse(w http.ResponseWriter, status int, err error) {
	k, message := fail.KindOf(err), fail.KindOf(err).Text()
	if failure := asFailure(err); failure != nil {
		message = failure.Message()
	}
	if status == 0 {
		status = http.StatusInternalServerError
	}
	body := appendText([]byte(`{"errors":[{"message":`), message)
	body = append(append(append(body, `,"extensions":{"code":"`...), k.Code()...), `"}}]}`...)
	header := w.Header()
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
