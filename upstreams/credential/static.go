package credential

import (
	"context"
	"fmt"
	"sync/atomic"
)

// fixed is a grant that never changes.
type fixed struct{ grant *grant }

func (f fixed) current(context.Context) (*grant, error) { return f.grant, nil }
func (fixed) refused(*grant) bool                       { return false }

// filed is a grant made of what a file holds.
type filed struct {
	file *File
	make func(secret string) (string, error)
	last atomic.Pointer[made]
}

// made is what became of one content of the file.
type made struct {
	from  *string
	grant *grant
	err   error
}

func (f *filed) current(context.Context) (*grant, error) {
	secret := f.file.load()
	last := f.last.Load()
	if last == nil || last.from != secret {
		value, err := f.make(*secret)
		last = &made{from: secret, err: err}
		if err == nil {
			last.grant = newGrant(value)
		}
		f.last.Store(last)
	}
	return last.grant, last.err
}

// refused reads the file now: it may have changed within the last second, or while the request was under way.
func (f *filed) refused(g *grant) bool {
	if f.file.refresh(true) {
		return true
	}
	last := f.last.Load()
	return last != nil && last.grant != g
}

func newBasic(b *Basic, o Options) (source, error) {
	if b.PasswordFile == "" {
		return fixed{newGrant(basicValue(b.Username, b.Password.Reveal()))}, nil
	}
	file, err := OpenFile(b.PasswordFile, o.logger())
	if err != nil {
		return nil, fmt.Errorf("basic.password_file: %w", err)
	}
	username := b.Username
	return &filed{file: file, make: func(secret string) (string, error) { return basicValue(username, secret), nil }}, nil
}

func newBearer(b *Bearer, o Options) (source, error) {
	if b.TokenFile == "" {
		return fixed{newGrant("Bearer " + b.Token.Reveal())}, nil
	}
	file, err := OpenFile(b.TokenFile, o.logger())
	if err != nil {
		return nil, fmt.Errorf("bearer.token_file: %w", err)
	}
	f := &filed{file: file, make: func(secret string) (string, error) {
		if !isToken(secret) {
			return "", fmt.Errorf("%s: is no token, a space or another character that a header can't carry is in it", file)
		}
		return "Bearer " + secret, nil
	}}
	if _, err := f.current(context.Background()); err != nil {
		return nil, fmt.Errorf("bearer.token_file: %w", err)
	}
	return f, nil
}
