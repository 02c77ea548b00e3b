package discovery_test

import (
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/tributary-gateway/tributary/upstreams/discovery"
)

// dnsmasq is Debian's DNS server, with a hosts file that SIGHUP makes it read again.
type dnsmasq struct {
	t       *testing.T
	path    string
	hosts   string
	port    string
	process *exec.Cmd
}

func newDnsmasq(t *testing.T) *dnsmasq {
	t.Helper()
	path, err := exec.LookPath("dnsmasq")
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/dnsmasq"); err != nil {
			t.Skip("dnsmasq isn't installed")
		}
	}
	packets, listener := listenBoth(t)
	_, port, _ := net.SplitHostPort(packets.LocalAddr().String())
	packets.Close()
	listener.Close()
	return &dnsmasq{t: t, path: path, hosts: filepath.Join(t.TempDir(), "hosts"), port: port}
}

func (d *dnsmasq) address() string { return net.JoinHostPort("127.0.0.1", d.port) }

func (d *dnsmasq) write(lines ...string) {
	replace(d.hosts, strings.Join(append(lines, ""), "\n"))
	if d.process != nil {
		must(d.process.Process.Signal(syscall.SIGHUP))
	}
}

// run starts it and waits until it answers.
func (d *dnsmasq) run() {
	d.t.Helper()
	me, err := user.Current()
	must(err)
	d.process = exec.Command(d.path, "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user="+me.Username, "--log-facility=-",
		"--port="+d.port, "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts", "--addn-hosts="+d.hosts,
		"--local=/internal/", "--local-ttl=0", "--neg-ttl=0",
		"--srv-host=_http._tcp.users.internal,h1.internal,8081,10,3", "--srv-host=_http._tcp.users.internal,h2.internal,8082,10,1")
	must(os.Chmod(filepath.Dir(d.hosts), 0o755))
	must(os.Chmod(d.hosts, 0o644))
	must(d.process.Start())
	d.t.Cleanup(d.kill)
	asked := new(dns.Msg).SetQuestion("h1.internal.", dns.TypeA)
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if _, err := dns.Exchange(asked, d.address()); err == nil {
			return
		}
		if time.Now().After(deadline) {
			d.t.Fatal("dnsmasq doesn't answer")
		}
	}
}

// kill ends it as a crash would.
func (d *dnsmasq) kill() {
	if d.process != nil {
		_ = d.process.Process.Kill()
		_ = d.process.Wait()
		d.process = nil
	}
}

// TestDnsmasq: the promises hold with a server that others wrote, which is killed and comes back.
func TestDnsmasq(t *testing.T) {
	d := newDnsmasq(t)
	d.write("10.0.0.1 users.internal", "10.0.0.2 users.internal", "2001:db8::1 users.internal", "10.0.1.1 h1.internal", "10.0.1.2 h2.internal")
	d.run()
	c := discovery.DNS{Name: "users.internal", Port: 8080, Resolver: d.address(), MinTTL: 10 * time.Millisecond, MaxTTL: 50 * time.Millisecond}
	addresses := start(t, discovery.Config{DNS: &c}, discovery.Options{})
	srv := c
	srv.Name, srv.Type, srv.Port = "_http._tcp.users.internal", "srv", 0
	services := start(t, discovery.Config{DNS: &srv}, discovery.Options{})
	addresses.expect(at("http://10.0.0.1:8080", "http://10.0.0.2:8080", "http://[2001:db8::1]:8080")...)
	services.expect(discovery.Instance{URL: "http://10.0.1.1:8081", Weight: 3}, discovery.Instance{URL: "http://10.0.1.2:8082", Weight: 1})

	d.write("10.0.0.1 users.internal", "10.0.0.3 users.internal", "10.0.1.1 h1.internal")
	addresses.expect(at("http://10.0.0.1:8080", "http://10.0.0.3:8080")...)
	services.expect(discovery.Instance{URL: "http://10.0.1.1:8081", Weight: 3})

	d.kill()
	addresses.log.wait(t, "discovery fails", 1)
	services.log.wait(t, "discovery fails", 1)
	addresses.quiet()
	services.quiet()
	d.write("10.0.0.4 users.internal", "10.0.1.4 h2.internal")
	d.run()
	addresses.expect(at("http://10.0.0.4:8080")...)
	services.expect(discovery.Instance{URL: "http://10.0.1.4:8082", Weight: 1})

	d.write("10.0.1.4 h2.internal") // NXDOMAIN for users.internal, or NODATA while the SRV record is below it
	addresses.expect()
	many := []string{}
	want := []string{}
	for _, host := range []string{"10.1.0.1", "10.1.0.2", "10.1.0.3"} {
		many, want = append(many, host+" users.internal"), append(want, "http://"+host+":8080")
	}
	d.write(many...)
	addresses.expect(at(want...)...)
	services.expect()
	addresses.stop()
	services.stop()
	nothingLeft(t)
}
