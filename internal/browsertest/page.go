package browsertest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Page is one tab. Its methods fail the test they were opened for; they are for that test's goroutine only.
type Page struct {
	t     testing.TB
	ctx   context.Context
	marks int

	mu       sync.Mutex // guards what the listening goroutines write
	requests []string
	console  []chromedp.ConsoleMessage
	heard    chan struct{} // closed and replaced at every console message
}

// Scheme is what the system is said to prefer.
type Scheme string

// The two schemes that a page can ask for by prefers-color-scheme.
const (
	Light Scheme = "light"
	Dark  Scheme = "dark"
)

// Open opens url in a new tab of 1280 by 800 pixels, on a system that prefers the scheme, and returns when its load
// event has fired.
func (b *Browser) Open(url string, scheme Scheme) *Page {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	p := &Page{t: b.t, ctx: ctx, heard: make(chan struct{})}
	requests := chromedp.Events(ctx, network.RequestWillBeSent)
	console := chromedp.Console(ctx)
	var listening sync.WaitGroup
	listening.Go(func() {
		for event, err := range requests {
			if err != nil {
				return
			}
			p.mu.Lock()
			p.requests = append(p.requests, event.Request.URL)
			p.mu.Unlock()
		}
	})
	listening.Go(func() {
		for message, err := range console {
			if err != nil {
				return
			}
			p.mu.Lock()
			p.console = append(p.console, message)
			close(p.heard)
			p.heard = make(chan struct{})
			p.mu.Unlock()
		}
	})
	b.t.Cleanup(func() {
		cancel()
		listening.Wait()
	})

	prefer := chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: string(scheme)}},
		})
		return err
	})
	p.do("open "+url, prefer, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(url))
	return p
}

// WaitFor returns when the JavaScript expression is truthy.
func (p *Page) WaitFor(expression string) {
	p.t.Helper()
	p.do("wait for "+expression, chromedp.Poll[chromedp.Void]("!!("+expression+")", chromedp.WithPollingTimeout(0)))
}

// WaitText returns when the page shows the text somewhere. Monaco writes spaces as no-break spaces; both match.
func (p *Page) WaitText(text string) {
	p.t.Helper()
	p.WaitFor(fmt.Sprintf(`document.body.innerText.replaceAll("\u00a0", " ").includes(%q)`, text))
}

// Click waits until an element matches the CSS selector and is visible, and clicks the first one in its middle.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.do("click "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// Press types keys at the focused element, with the modifiers held: Press("\r", chromedp.ModifierCtrl).
func (p *Page) Press(keys string, held ...chromedp.Modifier) {
	p.t.Helper()
	p.do("press "+keys, chromedp.KeyEvent(keys, chromedp.KeyModifiers(held...)))
}

// Text evaluates a JavaScript expression that gives a string.
func (p *Page) Text(expression string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Deadline)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		p.fail("evaluate "+expression, err)
	}
	return text
}

// Requests lists the URLs the tab has asked for so far, with data: and blob: ones, in order.
func (p *Page) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

// Complaints lists the warnings, errors and uncaught exceptions in the console, violations of the page's
// Content-Security-Policy among them. Everything written before the call is in it.
func (p *Page) Complaints() []string {
	p.t.Helper()
	p.marks++
	mark := fmt.Sprintf("browsertest mark %d", p.marks)
	p.do("mark the console", chromedp.Evaluate[chromedp.Void](fmt.Sprintf("void console.debug(%q)", mark)))
	ctx, cancel := context.WithTimeout(p.ctx, Deadline)
	defer cancel()
	for {
		p.mu.Lock()
		console, heard := slices.Clone(p.console), p.heard
		p.mu.Unlock()
		if slices.ContainsFunc(console, func(m chromedp.ConsoleMessage) bool { return m.Text == mark }) {
			return complaints(console)
		}
		select {
		case <-heard:
		case <-ctx.Done():
			p.fail("read the console", ctx.Err())
		}
	}
}

// Screenshot writes what the tab shows to a PNG file and makes the folders above it.
func (p *Page) Screenshot(file string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Deadline)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.MkdirAll(filepath.Dir(file), 0o755)
	}
	if err == nil {
		err = os.WriteFile(file, picture, 0o644)
	}
	if err != nil {
		p.fail("screenshot", err)
	}
}

func (p *Page) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Deadline)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.fail(what, err)
	}
}

func (p *Page) fail(what string, err error) {
	p.t.Helper()
	p.mu.Lock()
	said := complaints(p.console)
	p.mu.Unlock()
	p.t.Fatalf("%s: %v\nconsole:\n%s", what, err, strings.Join(said, "\n"))
}

func complaints(console []chromedp.ConsoleMessage) []string {
	var said []string
	for _, m := range console {
		switch m.Type {
		case chromedp.ConsoleWarning, chromedp.ConsoleError, chromedp.ConsoleException, "assert":
			said = append(said, fmt.Sprintf("%s (%s:%d)", m, m.URL, m.Line+1))
		}
	}
	return said
}
