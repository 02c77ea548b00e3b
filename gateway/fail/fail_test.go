package fail_test

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

func TestEveryKindHasACodeAndATextOfItsOwn(t *testing.T) {
	codes, texts := map[string]fail.Kind{}, map[string]fail.Kind{}
	for _, kind := range fail.Kinds() {
		if !regexp.MustCompile(`^[A-Z]+(_[A-Z]+)*$`).MatchString(kind.Code()) {
			t.Errorf("%d: code %q", kind, kind.Code())
		}
		spelled := kind == fail.PersistedQueryNotFound || kind == fail.PersistedQueryNotSupported // clients look for these texts
		if !spelled && !regexp.MustCompile(`^[A-Z].*\.$`).MatchString(kind.Text()) {
			t.Errorf("%s: text %q is no sentence", kind, kind.Text())
		}
		if other, taken := codes[kind.Code()]; taken {
			t.Errorf("%d and %d share the code %s", kind, other, kind)
		}
		if other, taken := texts[kind.Text()]; taken {
			t.Errorf("%s and %s share a text", kind, other)
		}
		codes[kind.Code()], texts[kind.Text()] = kind, kind
	}
}

func TestAForeignNumberIsInternal(t *testing.T) {
	for _, kind := range []fail.Kind{-1, 1000} {
		if kind.Code() != "INTERNAL" {
			t.Errorf("%d is %s", int(kind), kind.Code())
		}
	}
}

// Translating an error twice keeps what the first translation found out.
func TestWrapKeepsTheFirstKind(t *testing.T) {
	first := fail.Wrap(fail.UpstreamTimeout, "users GET /users", io.ErrUnexpectedEOF)
	second := fail.Wrap(fail.Internal, "load users", first)
	if kind := fail.KindOf(second); kind != fail.UpstreamTimeout {
		t.Errorf("got %s", kind)
	}
	if want := "load users: users GET /users: The service didn't answer in time.: unexpected EOF"; second.Error() != want {
		t.Errorf("got %q, want %q", second, want)
	}
	if !errors.Is(second, io.ErrUnexpectedEOF) {
		t.Error("the cause is lost")
	}
	if fail.Wrap(fail.Internal, "nothing", nil) != nil {
		t.Error("no error became one")
	}
}

func TestTheCauseIsNotPublic(t *testing.T) {
	err := &fail.Error{Kind: fail.UpstreamUnavailable, Err: errors.New("dial tcp 10.0.0.7:80: connection refused")}
	if got := err.Message(); got != fail.UpstreamUnavailable.Text() {
		t.Errorf("got %q", got)
	}
	err.Public = "Come back later."
	if got := err.Message(); got != "Come back later." {
		t.Errorf("got %q", got)
	}
}

func TestKindOfAnythingElseIsInternal(t *testing.T) {
	for _, err := range []error{nil, io.EOF, fmt.Errorf("wrapped: %w", io.EOF)} {
		if kind := fail.KindOf(err); kind != fail.Internal {
			t.Errorf("%v: %s", err, kind)
		}
	}
	if kind := fail.KindOf(fmt.Errorf("more: %w", fail.Newf(fail.Conflict, "Seat %d is taken.", 7))); kind != fail.Conflict {
		t.Errorf("got %s", kind)
	}
}
