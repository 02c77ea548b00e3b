// Package browsertest drives a headless Chromium from tests.
//
// A Browser is one process with a profile of its own that ends with the test; a Page is one of its tabs, and GraphiQL
// is a page with an editor in it. Methods wait for conditions in the page, never for time, and fail the test when the
// deadline passes, telling what the console said. Every request that a tab makes is in its log, and no host but
// 127.0.0.1 can be reached: a page that works here works without internet. (Chromium itself asks its maker for this and
// that at every start, whatever the flags; that fails too, and is in no log.) Without Chromium on the PATH a test is
// skipped, except where CI=true: there it fails.
package browsertest

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Deadline bounds each wait. It is generous, because the machines that run tests have few cores and other work.
const Deadline = 60 * time.Second

// Browser is a running Chromium.
type Browser struct {
	t   testing.TB
	ctx context.Context
}

// Start starts Chromium for the length of the test. It skips the test when there is none, or fails it under CI=true.
func Start(t testing.TB) *Browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("chromium is not on the PATH, and CI must not skip the browser tests")
		}
		t.Skip("chromium is not on the PATH")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox, // root, as in most containers, has no user namespace to put the sandbox in
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	return &Browser{t: t, ctx: ctx}
}
