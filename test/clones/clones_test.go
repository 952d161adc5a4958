// Package clones_test makes a real Debian fit to be cloned, by the script that copies of sources are sent.
package clones_test

import (
	"bytes"
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"goldsmith/shared/generalize"
)

// machine is a Debian below a directory: what is run in it sees nothing else.
type machine struct {
	*testing.T
	root, shell string
}

// as is how commands are run by root.
func as(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	if os.Geteuid() != 0 {
		args = append([]string{"sudo", "-n"}, args...)
	}
	c := exec.CommandContext(context.WithoutCancel(t.Context()), args[0], args[1:]...)
	c.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive"}
	c.Stdin = strings.NewReader(stdin)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	return out.String(), err
}

// debian is a fresh one; empty where it cannot be made here, which CI does not accept.
func debian(t *testing.T) string {
	t.Helper()
	cannot := t.Logf
	if os.Getenv("CI") == "true" {
		cannot = t.Fatalf
	}
	const not = "NOT RUN: no Debian is made fit to be cloned, since "
	if _, err := exec.LookPath("debootstrap"); err != nil {
		if _, err := os.Stat("/usr/sbin/debootstrap"); err != nil {
			cannot(not + "debootstrap is not installed (apt-get install debootstrap)")
			return ""
		}
	}
	if out, err := as(t, "", "true"); err != nil {
		cannot(not+"this user is not root, nor may be by sudo: %s", out)
		return ""
	}
	root, err := os.MkdirTemp("", "goldsmith-clones-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if out, err := as(t, "", "rm", "-rf", "--one-file-system", root); err != nil {
			t.Errorf("removing %s: %v: %s", root, err, out)
		}
	})
	if out, err := as(t, "", "debootstrap", "--variant=minbase", "--include=openssh-client", "bookworm", root); err != nil {
		cannot(not+"debootstrap failed: %v: %s", err, out[max(0, len(out)-500):])
		return ""
	}
	return root
}

// in runs a script in the machine, by sh unless it says otherwise, and gives what it printed.
func (m machine) in(script string, args ...string) (string, bool) {
	m.Helper()
	if len(args) == 0 {
		args = []string{"sh", "-s"}
	}
	out, err := as(m.T, script, append([]string{"chroot", m.root}, args...)...)
	return out, err == nil
}

func (m machine) must(script string) string {
	m.Helper()
	out, ok := m.in(script)
	if !ok {
		m.Fatalf("%s\n%s", script, out)
	}
	return out
}

// command runs what a copy is sent, in the machine's own shell.
func (m machine) command(keep []string, own string) (string, bool) {
	m.Helper()
	text := strings.ReplaceAll(generalize.Command(keep, own), "exec sh ", "exec "+m.shell+" ")
	return m.in(text, m.shell, "-s")
}

// tree is every file that is there but in memory, with what it holds; of programs, which nobody writes, when they were
// written.
func (m machine) tree() map[string]string {
	m.Helper()
	out := m.must(`cd / && find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./run \) -prune -o \
  -path './usr/*' -printf '%y%s%T@  %p\n' -o \( -type f -exec sha256sum {} + \) -o -printf '%y%l  %p\n'`)
	all := map[string]string{}
	for line := range strings.Lines(out) {
		held, path, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		all[strings.TrimPrefix(path, ".")] = held
	}
	return all
}

// empty is the sum of nothing.
const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// own is what makes a machine this one, by item: what goes, and what is emptied.
var own = map[string]struct{ gone, emptied []string }{
	"machine-id": {gone: []string{"/var/lib/dbus/machine-id"}, emptied: []string{"/etc/machine-id"}},
	"ssh-host-keys": {gone: []string{"/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_ed25519_key.pub",
		"/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_rsa_key.pub", "/etc/ssh/ssh_host_ecdsa_key",
		"/etc/ssh/ssh_host_ecdsa_key.pub"}},
	"cloud-init": {gone: []string{"/var/lib/cloud/instance", "/var/lib/cloud/instances/i-1/user-data.txt",
		"/var/lib/cloud/data/instance-id", "/var/lib/cloud/sem/config_scripts.once"},
		emptied: []string{"/var/log/cloud-init.log"}},
	"hostname": {gone: []string{"/etc/hostname"}},
	"dhcp-leases": {gone: []string{"/var/lib/dhcp/dhclient.eth0.leases", "/var/lib/NetworkManager/internal-1-ens5.lease",
		"/var/lib/NetworkManager/secret_key", "/var/lib/wicked/lease-eth0-dhcp-ipv4.xml", "/var/lib/wicked/duid.xml"}},
	"udev-net": {gone: []string{"/etc/udev/rules.d/70-persistent-net.rules"}},
	"agents": {gone: []string{"/var/lib/ecs/data/agent.db", "/etc/puppetlabs/puppet/ssl/private_keys/web.pem",
		"/etc/chef/client.pem", "/etc/salt/minion_id", "/etc/pki/consumer/cert.pem", "/var/ossec/etc/client.keys",
		"/var/lib/amazon/ssm/Vault/Store/RegistrationKey"}},
	"credential-secret": {gone: []string{"/var/lib/systemd/credential.secret"}},
	"histories": {gone: []string{"/root/.bash_history", "/home/ann/.bash_history", "/home/ann/.psql_history",
		"/home/ann/.mongodb/mongosh/history"}},
	"logs": {gone: []string{"/var/log/syslog.1", "/var/log/app/app.log.2.gz", "/var/log/messages-20261101",
		"/var/log/journal/0123456789abcdef0123456789abcdef/system.journal"},
		emptied: []string{"/var/log/syslog", "/var/log/wtmp", "/var/log/app/a b.log", "/var/log/dpkg.log",
			"/var/log/bootstrap.log"}},
	"random-seed": {gone: []string{"/var/lib/systemd/random-seed", "/boot/efi/loader/random-seed"}},
	"temporary":   {gone: []string{"/tmp/session", "/tmp/a\nb", "/var/tmp/.hidden/deep", "/tmp/-rf"}},
}

// stays is what looks like it, and is not this machine's alone.
var stays = []string{"/etc/ssh/ssh_config", "/etc/ssh/moduli", "/root/.ssh/authorized_keys", "/home/ann/history.txt",
	"/etc/udev/rules.d/99-disks.rules", "/var/lib/cloud/seed/nocloud/meta-data", "/srv/.bash_history", "/etc/salt/minion",
	"/var/lib/systemd/timers/stamp-logrotate.timer", "/data/random-seed", "/etc/chef/client.rb"}

// late are items that go in whole only at shutdown.
var late = []string{"/var/lib/amazon/ssm/Vault/Store/RegistrationKey", "/tmp/session", "/tmp/a\nb",
	"/var/tmp/.hidden/deep", "/tmp/-rf"}

// live makes a machine of its own of the fresh one.
func (m machine) live() {
	m.Helper()
	m.must(`getent passwd ann >/dev/null || useradd -m ann
mkdir -p /run/systemd/system /etc/udev/rules.d
printf '#!/bin/sh\necho "$@" >>/run/systemctl\n' >/usr/local/bin/systemctl; chmod +x /usr/local/bin/systemctl
printf '#!/bin/sh\n[ "$1" = clean ] || exit 2\ntouch /run/cloud-init-cleaned\nexit 1\n' >/usr/local/bin/cloud-init
chmod +x /usr/local/bin/cloud-init
ssh-keygen -q -A`)
	var script strings.Builder
	plant := func(path string) {
		script.WriteString("mkdir -p -- '" + filepath.Dir(path) + "'\n[ -s '" + path + "' ] || echo own >'" + path + "'\n")
	}
	for _, item := range own {
		for _, path := range slices.Concat(item.gone, item.emptied) {
			switch path {
			case "/var/lib/cloud/instance":
				script.WriteString("mkdir -p /var/lib/cloud/instances\nln -sfn instances/i-1 " + path + "\n")
			default:
				plant(path)
			}
		}
	}
	for _, path := range stays {
		plant(path)
	}
	m.must(script.String())
}

// atShutdown runs what the service that was arranged is to run, with what it is given.
func (m machine) atShutdown() {
	m.Helper()
	unit := m.must("cat /run/systemd/system/goldsmith-generalize.service")
	stop := regexp.MustCompile(`(?m)^ExecStop=(.*)$`).FindStringSubmatch(unit)
	given := regexp.MustCompile(`(?m)^Environment=(.*)$`).FindStringSubmatch(unit)
	if stop == nil || given == nil {
		m.Fatalf("the service is not what systemd would run:\n%s", unit)
	}
	m.must("export " + given[1] + "\n" + strings.Replace(stop[1], "/bin/sh", m.shell, 1))
}

// changes is what is not as it was, by whether it is gone, empty or another.
func changes(before, after map[string]string) map[string]string {
	all := map[string]string{}
	for path, held := range before {
		switch now, there := after[path]; {
		case !there:
			all[path] = "gone"
		case now == empty && held != empty:
			all[path] = "empty"
		case now != held:
			all[path] = "another"
		}
	}
	for path := range after {
		if _, there := before[path]; !there {
			all[path] = "new"
		}
	}
	return all
}

// wanted is what is to be gone and empty of what was there, but for some items.
func wanted(before map[string]string, keep ...string) map[string]string {
	all := map[string]string{}
	for name, item := range own {
		if slices.Contains(keep, name) {
			continue
		}
		for _, path := range item.gone {
			all[shown(path)] = "gone"
		}
		for _, path := range item.emptied {
			all[path] = "empty"
		}
	}
	for path, held := range before {
		switch {
		case inWhole(path, keep):
			all[path] = "gone"
		case all[path] == "" && isLog(path, held) && !slices.Contains(keep, "logs"):
			all[path] = "empty"
		}
	}
	return all
}

// isLog reports whether a path is of a log that Debian has made.
func isLog(path, held string) bool {
	return strings.HasPrefix(path, "/var/log/") && held != empty && len(held) == len(empty)
}

// inWhole reports whether a path is of a directory that goes as a whole.
func inWhole(path string, keep []string) bool {
	return slices.ContainsFunc([]string{"/var/lib/cloud/instances", "/var/lib/cloud/data", "/var/lib/cloud/sem",
		"/etc/puppetlabs/puppet/ssl", "/var/lib/amazon/ssm/Vault", "/home/ann/.mongodb/mongosh",
		"/var/log/journal/0123456789abcdef0123456789abcdef", "/var/tmp/.hidden"}, func(dir string) bool {
		return (path == dir || strings.HasPrefix(path, dir+"/")) && !kept(dir, keep)
	})
}

// shown is a path as sha256sum shows it.
func shown(path string) string { return strings.ReplaceAll(path, "\n", `\n`) }

// kept reports whether a directory is of an item that stays.
func kept(dir string, keep []string) bool {
	for _, name := range keep {
		if slices.ContainsFunc(own[name].gone, func(p string) bool { return strings.HasPrefix(p, dir) }) {
			return true
		}
	}
	return false
}

func (m machine) same(what string, got, want any) {
	m.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		m.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestClones(t *testing.T) {
	root := debian(t)
	if root == "" {
		return
	}
	names := slices.Sorted(maps.Keys(own))
	if diff := cmp.Diff(names, slices.Sorted(slices.Values(generalize.Items()))); diff != "" {
		t.Fatalf("the items that are looked at are not the script's: %s", diff)
	}
	for _, shell := range []string{"dash", "bash"} {
		m := machine{T: t, root: root, shell: shell}
		m.live()
		m.staysWhole(names)
		m.isCleaned()
		m.keeps()
	}
}

// staysWhole has every item stay.
func (m machine) staysWhole(names []string) {
	before := m.tree()
	said, ok := m.command(names, "")
	m.same("it ran: "+said, ok, true)
	m.atShutdown()
	m.same(m.shell+": with all that stays", changes(before, m.tree()), map[string]string{})
}

// isCleaned cleans it, twice, and once more at shutdown, twice.
func (m machine) isCleaned() {
	m.live()
	before := m.tree()
	said, ok := m.command(nil, "echo by the plan >>/root/.bash_history; echo the plan was here")
	m.same("it ran: "+said, ok, true)
	for _, line := range []string{"the plan was here", "machine-id: 2 removed", "ssh-host-keys: 6 removed",
		"hostname: 1 removed", "agents: 6 removed; those of Systems Manager at shutdown"} {
		if !strings.Contains(said, line+"\n") {
			m.Errorf("it does not say %q:\n%s", line, said)
		}
	}
	want := wanted(before)
	for _, path := range late {
		delete(want, shown(path))
	}
	delete(want, "/var/lib/amazon/ssm/Vault")
	delete(want, "/var/lib/amazon/ssm/Vault/Store")
	delete(want, "/var/tmp/.hidden")
	once := m.tree()
	m.same(m.shell+": at once", changes(before, once), want)

	said, ok = m.command(nil, "")
	m.same("it ran again: "+said, ok, true)
	m.same("what it says the second time", regexp.MustCompile(`: [1-9]`).FindString(said), "")
	m.same(m.shell+": the second time", changes(once, m.tree()), map[string]string{})

	m.must("echo written until the end >/var/log/syslog; echo seed >/var/lib/systemd/random-seed")
	for range 2 {
		m.atShutdown()
		m.same(m.shell+": at shutdown", changes(before, m.tree()), wanted(before))
		m.same("what is temporary", m.must("ls -A /tmp /var/tmp"), "/tmp:\n\n/var/tmp:\n")
	}
	m.same("files of its own that are left", m.must("ls /run/goldsmith"), "command.sh\ngeneralize.sh\n")
	m.must("ssh-keygen -q -A && test -s /etc/ssh/ssh_host_ed25519_key")
}

// keeps is what stays for a reason, and what keeps it from being made general.
func (m machine) keeps() {
	m.live()
	m.must(`rm /usr/local/bin/cloud-init
mkdir -p /etc/systemd/system; echo '  LoadCredentialEncrypted=x' >/etc/systemd/system/app.service`)
	said, ok := m.command(nil, "")
	m.same("it ran: "+said, ok, true)
	for _, line := range []string{
		"ssh-host-keys: stay: nothing makes new ones at boot, neither cloud-init nor a service of sshd",
		"credential-secret: stays: services have credentials that are encrypted with it"} {
		if !strings.Contains(said, line+"\n") {
			m.Errorf("it does not say %q:\n%s", line, said)
		}
	}
	m.must("test -s /etc/ssh/ssh_host_ed25519_key && test -s /var/lib/systemd/credential.secret")
	m.must("rm /etc/systemd/system/app.service; touch /etc/systemd/system/sshd-keygen@.service")
	if said, _ = m.command(nil, ""); !strings.Contains(said, "ssh-host-keys: 6 removed\n") {
		m.Errorf("a service makes new keys, and they stay:\n%s", said)
	}
	m.must("rm /etc/systemd/system/sshd-keygen@.service")

	m.live()
	before := m.tree()
	said, ok = m.command(nil, "exit 3")
	m.same("a command of the plan that fails: "+said, ok, false)
	m.must("rm -r /run/systemd")
	said, ok = m.command(nil, "")
	m.same("no systemd", ok, false)
	if !strings.Contains(said, "this machine is not run by systemd") {
		m.Errorf("it says: %s", said)
	}
	m.same("nothing was touched", changes(before, m.tree()), map[string]string{})
}
