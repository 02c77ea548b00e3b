package documents

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/lexer"
)

// print is what a document says, whatever its white space, commas and comments are. The zero value is that of no text.
type print [sha256.Size]byte

// fingerprint gives the print of a text, the zero one when it is no sequence of GraphQL's tokens.
func fingerprint(text string) print {
	p, _ := fingerprintOf(text, 0)
	return p
}

// fingerprintOf gives the print of a text of most tokens at most, 0 for any number, and their number. It takes time by the
// length of the text and doesn't recurse.
func fingerprintOf(text string, most int) (p print, tokens int) {
	hash := sha256.New()
	var head [9]byte
	for lex := lexer.New(&ast.Source{Input: text}); ; {
		token, err := lex.ReadToken()
		if err != nil {
			return print{}, tokens
		}
		kind := token.Kind
		switch kind {
		case lexer.EOF:
			if tokens == 0 {
				return print{}, 0
			}
			hash.Sum(p[:0])
			return p, tokens
		case lexer.Comment:
			continue
		case lexer.BlockString:
			kind = lexer.String // the same value, written otherwise
		}
		if tokens++; most > 0 && tokens > most {
			return print{}, tokens
		}
		head[0] = byte(kind)
		binary.BigEndian.PutUint64(head[1:], uint64(len(token.Value)))
		hash.Write(head[:])
		hash.Write([]byte(token.Value))
	}
}
