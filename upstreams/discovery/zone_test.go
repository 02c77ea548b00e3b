package discovery_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/tributary-gateway/tributary/upstreams/discovery"
)

// zone is a DNS server on loopback, over UDP and TCP.
type zone struct {
	address string

	mu      sync.Mutex // guards what follows
	records map[string][]dns.RR
	rcodes  map[uint16]int // by type: what is answered instead
	cut     bool           // UDP answers are cut
	lame    bool
	asked   map[string]int // by protocol and type
	seen    chan struct{}  // closed at the next question
}

func newZone(t *testing.T) *zone {
	t.Helper()
	z := &zone{records: map[string][]dns.RR{}, rcodes: map[uint16]int{}, asked: map[string]int{}, seen: make(chan struct{})}
	packets, listener := listenBoth(t)
	z.address = packets.LocalAddr().String()
	for _, server := range []*dns.Server{{PacketConn: packets, Handler: z}, {Listener: listener, Handler: z}} {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = server.ActivateAndServe()
		}()
		<-started
		t.Cleanup(func() {
			_ = server.ShutdownContext(context.Background())
			<-ended
		})
	}
	return z
}

// listenBoth finds a port that is free for both protocols.
func listenBoth(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	for range 20 {
		packets, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listener, err := net.Listen("tcp", packets.LocalAddr().String())
		if err == nil {
			return packets, listener
		}
		packets.Close()
	}
	t.Fatal("no port is free for UDP and TCP")
	return nil, nil
}

func (z *zone) ServeDNS(w dns.ResponseWriter, asked *dns.Msg) {
	z.mu.Lock()
	defer z.mu.Unlock()
	q := asked.Question[0]
	protocol := w.LocalAddr().Network()
	z.asked[protocol+" "+dns.TypeToString[q.Qtype]]++
	close(z.seen)
	z.seen = make(chan struct{})
	answer := new(dns.Msg).SetReply(asked)
	answer.Authoritative = !z.lame
	rcode, wrong := z.rcodes[q.Qtype]
	records, there := z.records[strings.ToLower(q.Name)]
	switch {
	case wrong:
		answer.Rcode = rcode
	case z.lame:
	case !there:
		answer.Rcode = dns.RcodeNameError
	case z.cut && protocol == "udp":
		answer.Truncated = true
	default:
		z.fill(answer, q, records)
	}
	_ = w.WriteMsg(answer)
}

// fill adds the records of the type, and where an alias leads.
func (z *zone) fill(answer *dns.Msg, q dns.Question, records []dns.RR) {
	for _, record := range records {
		if record.Header().Rrtype == q.Qtype {
			answer.Answer = append(answer.Answer, record)
		}
		if alias, ok := record.(*dns.CNAME); ok {
			answer.Answer = append(answer.Answer, record)
			z.fill(answer, q, z.records[strings.ToLower(alias.Target)])
		}
	}
}

// put replaces the records of a name; lines are as in a zone file.
func (z *zone) put(name string, lines ...string) {
	records := []dns.RR{}
	for _, line := range lines {
		record, err := dns.NewRR(line)
		if err != nil {
			panic(err)
		}
		records = append(records, record)
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	z.records[dns.Fqdn(name)] = records
	if len(lines) == 0 {
		delete(z.records, dns.Fqdn(name))
	}
}

func (z *zone) answer(rcode int, kinds ...uint16) {
	z.mu.Lock()
	defer z.mu.Unlock()
	clear(z.rcodes)
	for _, kind := range kinds {
		z.rcodes[kind] = rcode
	}
}

func (z *zone) count(what string) int {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.asked[what]
}

func (z *zone) config() discovery.Config {
	return discovery.Config{DNS: &discovery.DNS{
		Name: "users.internal", Port: 8080, Resolver: z.address, MinTTL: 2 * time.Millisecond, MaxTTL: 10 * time.Millisecond,
	}}
}

func addressLine(name, host string) string {
	if netip.MustParseAddr(host).Is4() {
		return name + ". 0 IN A " + host
	}
	return name + ". 0 IN AAAA " + host
}

func (z *zone) set(hosts ...string) {
	var lines []string
	for _, host := range hosts {
		lines = append(lines, addressLine("users.internal", host))
	}
	z.put("users.internal", lines...)
}

func (z *zone) down() { z.answer(dns.RcodeServerFailure, dns.TypeA, dns.TypeAAAA, dns.TypeSRV) }
func (z *zone) up()   { z.answer(0) }

// srvZone is a zone with SRV records.
type srvZone struct{ *zone }

func (z *srvZone) config() discovery.Config {
	c := z.zone.config()
	c.DNS.Name, c.DNS.Type, c.DNS.Port = "_http._tcp.users.internal", "srv", 0
	return c
}

func (z *srvZone) set(hosts ...string) {
	var lines []string
	for _, host := range hosts {
		target := "h-" + strings.NewReplacer(".", "-", ":", "-").Replace(host) + ".internal"
		z.put(target, addressLine(target, host))
		lines = append(lines, "_http._tcp.users.internal. 0 IN SRV 10 1 8080 "+target+".")
	}
	z.put("_http._tcp.users.internal", lines...)
}

// TestServiceRecords: ports, weights, and the lowest priority that has an address.
func TestServiceRecords(t *testing.T) {
	z := &srvZone{newZone(t)}
	z.put("a.internal", "a.internal. 0 IN A 10.0.0.1", "a.internal. 0 IN AAAA 2001:db8::1")
	z.put("b.internal", "b.internal. 0 IN A 10.0.0.2")
	z.put("c.internal", "c.internal. 0 IN A 10.0.0.3")
	z.put("_http._tcp.users.internal",
		"_http._tcp.users.internal. 0 IN SRV 20 9 8083 c.internal.",
		"_http._tcp.users.internal. 0 IN SRV 10 5 8081 a.internal.",
		"_http._tcp.users.internal. 0 IN SRV 10 0 8082 b.internal.")
	w := start(t, z.config(), discovery.Options{})
	w.expect(
		discovery.Instance{URL: "http://10.0.0.1:8081", Weight: 5},
		discovery.Instance{URL: "http://10.0.0.2:8082", Weight: 1},
		discovery.Instance{URL: "http://[2001:db8::1]:8081", Weight: 5},
	)
	z.put("b.internal")
	w.expect(discovery.Instance{URL: "http://10.0.0.1:8081", Weight: 5}, discovery.Instance{URL: "http://[2001:db8::1]:8081", Weight: 5})
	z.put("a.internal")
	w.expect(discovery.Instance{URL: "http://10.0.0.3:8083", Weight: 9})
	z.put("_http._tcp.users.internal", "_http._tcp.users.internal. 0 IN SRV 0 0 0 .") // expressly not there
	w.expect()
}

// TestHalfAnAnswer: what was known of the half that fails stays, and a failing half isn't taken for an empty one.
func TestHalfAnAnswer(t *testing.T) {
	z := newZone(t)
	z.set("10.0.0.1", "2001:db8::1")
	z.answer(dns.RcodeServerFailure, dns.TypeAAAA)
	w := start(t, z.config(), discovery.Options{})
	w.expect(at("http://10.0.0.1:8080")...)
	z.up()
	w.expect(at("http://10.0.0.1:8080", "http://[2001:db8::1]:8080")...)
	z.answer(dns.RcodeRefused, dns.TypeAAAA)
	z.set("10.0.0.2", "2001:db8::2")
	w.expect(at("http://10.0.0.2:8080", "http://[2001:db8::1]:8080")...)
	z.set("2001:db8::2") // no A any more, and AAAA fails
	z.answer(dns.RcodeRefused, dns.TypeAAAA)
	w.expect(at("http://[2001:db8::1]:8080")...)
}

// TestOneEmptyAnswer: a name that is gone for a moment is not gone.
func TestOneEmptyAnswer(t *testing.T) {
	z := newZone(t)
	z.set("10.0.0.1")
	w := start(t, z.config(), discovery.Options{Pause: 100 * time.Millisecond})
	w.expect(at("http://10.0.0.1:8080")...)
	z.set()
	w.log.wait(t, "DNS has no addresses", 1)
	z.set("10.0.0.1")
	w.log.wait(t, "discovery works again", 1)
	w.quiet()
}

func TestAliasesAndLongAnswers(t *testing.T) {
	z := newZone(t)
	z.put("users.internal", "users.internal. 0 IN CNAME Real.internal.")
	z.put("real.internal", "real.internal. 0 IN A 10.0.0.1", "other.internal. 0 IN A 10.6.6.6")
	w := start(t, z.config(), discovery.Options{})
	w.expect(at("http://10.0.0.1:8080")...) // and not what belongs to another name
	z.mu.Lock()
	z.cut = true
	z.mu.Unlock()
	var lines []string
	var want []string
	for _, host := range []string{"10.0.1.1", "10.0.1.2", "10.0.1.3"} {
		lines, want = append(lines, "real.internal. 0 IN A "+host), append(want, "http://"+host+":8080")
	}
	z.put("real.internal", lines...)
	w.expect(at(want...)...)
	if z.count("tcp A") == 0 {
		t.Error("a cut answer wasn't asked for over TCP")
	}
}

// TestAServerThatKnowsNothing: an empty answer of one that neither knows the zone nor asks others is no answer.
func TestAServerThatKnowsNothing(t *testing.T) {
	z := newZone(t)
	z.set("10.0.0.1")
	w := start(t, z.config(), discovery.Options{})
	w.expect(at("http://10.0.0.1:8080")...)
	z.mu.Lock()
	z.lame = true
	before := z.asked["udp A"]
	z.mu.Unlock()
	w.log.wait(t, "neither knows nor asks others", 1)
	// Until it was asked often enough to be believed.
	for timeout := time.After(patience); ; {
		z.mu.Lock()
		asked, seen := z.asked["udp A"], z.seen
		z.mu.Unlock()
		if asked >= before+6 {
			break
		}
		select {
		case <-seen:
		case <-timeout:
			t.Fatal("it isn't asked any more")
		}
	}
	w.quiet()
}

// TestTTL: an answer is used for as long as it says, within the limits.
func TestTTL(t *testing.T) {
	z := newZone(t)
	z.put("users.internal", "users.internal. 3600 IN A 10.0.0.1")
	c := z.config()
	c.DNS.MaxTTL = 0 // 5m
	w := start(t, c, discovery.Options{})
	w.expect(at("http://10.0.0.1:8080")...)
	other := start(t, z.config(), discovery.Options{}) // asks every 10 ms
	other.expect(at("http://10.0.0.1:8080")...)
	z.put("users.internal", "users.internal. 3600 IN A 10.0.0.2")
	other.expect(at("http://10.0.0.2:8080")...)
	w.quiet()
}

// TestASilentServer: the end of the context doesn't wait for an answer that never comes.
func TestASilentServer(t *testing.T) {
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	c := (&zone{address: packets.LocalAddr().String()}).config()
	w := start(t, c, discovery.Options{})
	if _, _, err := packets.ReadFrom(make([]byte, 1500)); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	w.stop()
	if took := time.Since(began); took > time.Second {
		t.Errorf("ended after %v", took)
	}
	nothingLeft(t)
}
