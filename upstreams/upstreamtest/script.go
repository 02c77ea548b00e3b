package upstreamtest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Exchange is one expected request with its answer.
type Exchange struct {
	// Request is the method and what follows it on the wire: "GET /users?id=1&id=2". A JSON body may stand behind it, as
	// in Service.Requests: "PUT /users/1 null".
	Request string `yaml:"request"`
	// Headers must be in the request with exactly these values; null means that the header must not be there. Headers
	// that aren't mentioned aren't looked at.
	Headers map[string]*string `yaml:"headers"`
	// Body is the JSON that must be sent, written as structure. Without a body here or in Request there must be none.
	Body JSON `yaml:"body"`
	// Answer is what the service does then.
	Answer Answer `yaml:"answer"`
}

// Answer is what the service does with a request. The zero Answer is a 200 without a body.
type Answer struct {
	// Status is the status; 0 means 200.
	Status int `yaml:"status"`
	// Headers are added to the answer. A body is application/json unless they say otherwise.
	Headers map[string]string `yaml:"headers"`
	// JSON is a body written as structure, Text one as it is, Base64 one of any bytes. An answer has one of them.
	JSON   JSON   `yaml:"json"`
	Text   string `yaml:"text"`
	Base64 string `yaml:"base64"`
	// Fault is what goes wrong.
	Fault Fault `yaml:"fault"`
}

// Fault is a way to fail below HTTP.
type Fault string

// The faults.
const (
	// NoFault answers in full.
	NoFault Fault = ""
	// Hang answers nothing until the client leaves.
	Hang Fault = "hang"
	// Stall sends the headers and half of the body, and then nothing until the client leaves.
	Stall Fault = "stall"
	// Cut sends the headers and half of the body, and breaks off.
	Cut Fault = "cut"
	// Reset breaks the connection off before an answer.
	Reset Fault = "reset"
)

// check tells what's wrong with an exchange, and gives its request in canonical text.
func (x *Exchange) check() (string, error) {
	method, target, ok := strings.Cut(x.Request, " ")
	if !ok || method == "" || method != strings.ToUpper(method) || !strings.HasPrefix(target, "/") {
		return "", fmt.Errorf(`request %q isn't like "GET /users?id=1"`, x.Request)
	}
	if target, body, ok := strings.Cut(target, " "); ok {
		if len(x.Body) > 0 {
			return "", errors.New("the body stands both in request and in body")
		}
		x.Request, x.Body = method+" "+target, JSON(body)
	}
	text := x.Request
	if len(x.Body) > 0 {
		body, err := canonical(x.Body)
		if err != nil {
			return "", fmt.Errorf("body: %w", err)
		}
		x.Body = JSON(body)
		text += " " + body
	}
	return text, x.Answer.check()
}

func (a *Answer) check() error {
	bodies := 0
	for _, given := range []bool{len(a.JSON) > 0, a.Text != "", a.Base64 != ""} {
		if given {
			bodies++
		}
	}
	body, err := a.body()
	switch {
	case bodies > 1:
		return errors.New("an answer has one of json, text and base64")
	case err != nil:
		return fmt.Errorf("base64: %w", err)
	case a.Status != 0 && (a.Status < 200 || a.Status > 599):
		return fmt.Errorf("status %d can't be the status of an answer", a.Status)
	}
	switch a.Fault {
	case NoFault, Hang, Reset:
		return nil
	case Stall, Cut:
		if len(body) < 2 {
			return fmt.Errorf("the fault %s needs a body that can be halved", a.Fault)
		}
		return nil
	default:
		return fmt.Errorf("there is no fault %q; there are hang, stall, cut and reset", a.Fault)
	}
}

// status is the status on the wire.
func (a *Answer) status() int {
	if a.Status == 0 {
		return http.StatusOK
	}
	return a.Status
}

// body is the bytes of the body.
func (a *Answer) body() ([]byte, error) {
	switch {
	case len(a.JSON) > 0:
		return a.JSON, nil
	case a.Base64 != "":
		return base64.StdEncoding.DecodeString(a.Base64)
	default:
		return []byte(a.Text), nil
	}
}

// JSON is a JSON text. In YAML it's written as the structure it stands for. A YAML null can't be told from nothing:
// write an answer of null as text.
type JSON []byte

// UnmarshalYAML makes JSON of a YAML value.
func (j *JSON) UnmarshalYAML(decode func(any) error) error {
	var value any
	if err := decode(&value); err != nil {
		return err
	}
	text, err := json.Marshal(value)
	*j = text
	return err
}

// canonical is a JSON text with sorted members and without space; numbers stay as they are written.
func canonical(text []byte) (string, error) {
	if !json.Valid(text) {
		return "", errors.New("it isn't JSON")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return "", err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", err
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}
