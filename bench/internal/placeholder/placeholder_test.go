package placeholder_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/tributary-gateway/tributary/bench/internal/placeholder"
)

func start(t *testing.T) (*placeholder.Rows, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	rows := placeholder.New(placeholder.Posts)
	served := make(chan error, 1)
	go func() { served <- rows.Serve(listener) }()
	t.Cleanup(func() {
		_ = listener.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return rows, "http://" + listener.Addr().String()
}

func get(t *testing.T, url string) (int, []byte) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, body
}

func TestServesWhatTheAnswersAreMadeOf(t *testing.T) {
	rows, url := start(t)
	var posts []placeholder.Post
	_, body := get(t, url+"/posts")
	if err := json.Unmarshal(body, &posts); err != nil || len(posts) != placeholder.Posts {
		t.Fatalf("%d posts, %v", len(posts), err)
	}
	if len(body) < 24<<10 || len(body) > 29<<10 {
		t.Errorf("the list of posts has %d bytes, not about 25 KB", len(body))
	}
	var users []placeholder.User
	_, body = get(t, url+rows.UsersTarget())
	if err := json.Unmarshal(body, &users); err != nil || len(users) != 10 {
		t.Fatalf("%d users, %v", len(users), err)
	}
	q, err := placeholder.ByName("Q4")
	if err != nil {
		t.Fatal(err)
	}
	for _, request := range rows.Requests(q) {
		p := posts[request.ID-1]
		if p.ID != request.ID || p.UserID != request.Author || !bytes.Contains(request.Answer, []byte(users[p.UserID-1].Name)) {
			t.Errorf("post %d of user %d is answered by %s", p.ID, p.UserID, request.Answer)
		}
	}
}

func TestRoutes(t *testing.T) {
	_, url := start(t)
	for _, c := range []struct {
		target string
		status int
		ids    []int
	}{
		{"/posts/7", 200, []int{7}},
		{"/posts/101", 404, nil},
		{"/posts/-1", 404, nil},
		{"/posts/99999999999999999999", 404, nil},
		{"/users/10", 200, []int{10}},
		{"/users/0", 404, nil},
		{"/users?id=3&id=1&id=77", 200, []int{3, 1}},
		{"/users?id=77", 200, []int{}},
		{"/comments", 404, nil},
	} {
		status, body := get(t, url+c.target)
		if status != c.status {
			t.Errorf("%s: status %d", c.target, status)
		}
		if c.ids == nil {
			continue
		}
		type row struct{ ID int }
		var rows []row
		if body[0] == '{' {
			body = append(append([]byte("["), body...), ']')
		}
		if err := json.Unmarshal(body, &rows); err != nil || len(rows) != len(c.ids) {
			t.Errorf("%s: %v in %s", c.target, err, body)
			continue
		}
		for i, id := range c.ids {
			if rows[i].ID != id {
				t.Errorf("%s: %d instead of %d", c.target, rows[i].ID, id)
			}
		}
	}
}

func TestServingAllocatesNothing(t *testing.T) {
	rows := placeholder.New(placeholder.Posts)
	out := make([]byte, 0, 64<<10)
	for _, target := range []string{"/posts", "/posts/7", rows.UsersTarget()} {
		target := []byte(target)
		if n := testing.AllocsPerRun(100, func() { out = rows.AppendResponse(out[:0], target) }); n > 0 {
			t.Errorf("%s: %v allocations", target, n)
		}
	}
}
