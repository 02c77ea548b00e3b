package reuse_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/reuse"
)

// tagged is people whose answers have a tag, and are fresh for a minute.
func tagged(t *testing.T, header string) *people {
	p := newPeople(t, reuse.Default(), header)
	p.header.Set("Etag", `"1"`)
	p.matches = `"1"`
	return p
}

func TestABatchIsRevalidated(t *testing.T) {
	p := tagged(t, "max-age=60")
	p.want(`"1" "2"`, "", "1", "2")
	p.now.add(time.Minute)
	p.want(`"1" "2"`, "", "1", "2") // 304
	p.now.add(30 * time.Second)
	p.want(`"1" "2"`, "", "1", "2") // fresh again
	p.now.add(30 * time.Second)
	p.want(`"1" "2"`, "", "1", "2")
	p.requests("1,2", `1,2 unless "1"`, `1,2 unless "1"`)
}

func TestABatchThatHasChanged(t *testing.T) {
	p := tagged(t, "max-age=60")
	p.want(`"1" "2"`, "", "1", "2")
	p.change(func() { p.matches = ""; p.header.Set("Etag", `"2"`); p.gone = map[string]bool{"2": true} })
	p.now.add(time.Minute)
	p.want(`"1" none`, "", "1", "2")
	p.want(`"1" none`, "", "1", "2")
	p.requests("1,2", `1,2 unless "1"`)
}

// A tag is of the whole answer: it says nothing of some of its items, nor of items of two answers.
func TestOtherBatchesAreNotRevalidated(t *testing.T) {
	p := tagged(t, "max-age=60")
	p.want(`"1" "2"`, "", "1", "2")
	p.want(`"3"`, "", "3")
	p.now.add(time.Minute)
	p.want(`"1"`, "", "1")
	p.want(`"2" "3"`, "", "2", "3")
	p.want(`"4" "3"`, "", "4", "3")
	p.now.add(time.Minute)
	p.want(`"1"`, "", "1") // came alone the last time
	p.requests("1,2", "3", "1", "2,3", "4", `1 unless "1"`)
}

func TestWhatIsRevalidatedEachTime(t *testing.T) {
	p := tagged(t, "no-cache")
	p.want(`"1" "2"`, "", "1", "2")
	p.want(`"1" "2"`, "", "1", "2")
	p.want(`"1" "2"`, "", "1", "2")
	p.requests("1,2", `1,2 unless "1"`, `1,2 unless "1"`)
}

func TestWhatIsNotThereIsRevalidated(t *testing.T) {
	p := tagged(t, "max-age=5")
	p.gone = map[string]bool{"2": true}
	p.want(`"1" none`, "", "1", "2")
	p.now.add(5 * time.Second)
	p.want(`"1" none`, "", "1", "2")
	p.now.add(4 * time.Second)
	p.want(`"1" none`, "", "1", "2")
	p.requests("1,2", `1,2 unless "1"`)
}

func TestANotModifiedMayEndTheKeeping(t *testing.T) {
	for _, end := range []string{"no-store", "private, max-age=60"} {
		p := tagged(t, "max-age=60")
		p.want(`"1"`, "", "1")
		p.now.add(time.Minute)
		p.say(end)
		p.want(`"1"`, "", "1")
		p.want(`"1"`, "", "1")
		p.requests("1", `1 unless "1"`, "1")
	}
}

func TestANotModifiedOfAnotherAnswer(t *testing.T) {
	p := tagged(t, "max-age=60")
	p.want(`"1"`, "", "1")
	p.now.add(time.Minute)
	p.change(func() { p.header.Set("Etag", `"2"`) }) // and yet it says 304 to "1"
	p.want(`"1"`, "", "1")
	p.requests("1", `1 unless "1"`, "1")
}

func TestABatchIsRevalidatedInTheBackground(t *testing.T) {
	p := tagged(t, "max-age=60, stale-while-revalidate=60")
	p.want(`"1" "2"`, "", "1", "2")
	p.now.add(70 * time.Second)
	p.want(`"1" "2"`, "", "1", "2")
	eventually(t, "renew", func() bool {
		ctx, rec := reuse.WithRecorder(t.Context())
		p.get(ctx, "", "1", "2")
		return len(rec.Uses()) == 1 && rec.Uses()[0].State == reuse.Hit
	})
	p.requests("1,2", `1,2 unless "1"`)
}

// Section 4.4: an item that came alone is what its address stands for.
func TestAWriteEndsAnItemThatCameAlone(t *testing.T) {
	p := newPeople(t, reuse.Default(), "max-age=60")
	p.want(`"1"`, "", "1")
	p.want(`"2" "3"`, "", "2", "3")
	if _, err := get(t.Context(), p.via, http.MethodPut, p.url+"/users?id=1", nil); err != nil {
		t.Fatal(err)
	}
	p.want(`"1"`, "", "1")
	p.want(`"2" "3"`, "", "2", "3")
	p.requests("1", "2,3", "1", "1") // the second 1 is the write
}
