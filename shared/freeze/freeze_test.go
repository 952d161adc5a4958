package freeze_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"goldsmith/shared/freeze"
	"goldsmith/shared/plan"
)

// stage is a machine of stand-ins: the script runs in a real shell, and what it calls says what it did.
type stage struct {
	t          *testing.T
	dir, shell string
}

// standIns are what the script calls. A file system is frozen while its name is in the directory ice; sleeping ends when
// the test makes the file over and the number of seconds.
var standIns = map[string]string{
	"findmnt": `case "$*" in *"-l "*"-r "* | *"-r "*"-l "*) echo "findmnt: mutually exclusive arguments" >&2; exit 1 ;; esac
case "$*" in
  *-T*) for at; do :; done; case $at in */data/pg*) echo "${PG:-/data}" ;; *) case "$*" in *MAJ*) echo 259:1 ;; *) echo / ;; esac ;; esac ;;
  *) printf '/ 259:1 rw\n/data 259:2 rw,noatime\n/data/deep 259:3 rw\n/again 259:2 rw\n/bound 259:1 rw\n/old 259:4 ro\n' ;;
esac`,
	"fsfreeze": `name=$(echo "$2" | tr / _)
case $1 in
  -f) [ -e "$STAGE/bad$name" ] && exit 1; mkdir "$STAGE/ice/$name" || exit 1 ;;
  -u) rmdir "$STAGE/ice/$name" || exit 1 ;;
esac
echo "$1 $2" >>"$STAGE/log"`,
	"sleep": `case $1 in 0.2 | 1) exec /bin/sleep 0.02 ;; esac
while [ -d "$STAGE/bin" ] && [ ! -e "$STAGE/over$1" ]; do /bin/sleep 0.02; done`,
	"mysql": `[ -e "$STAGE/nologin" ] && { echo "ERROR 1045 (28000): Access denied" >&2; exit 1; }
read -r line; read -r line; echo "$line" >>"$STAGE/log"; mkdir "$STAGE/ice/tables"; echo goldsmith-locked
trap 'exit 1' TERM; trap 'rmdir "$STAGE/ice/tables"' EXIT
while read -r line; do :; done`,
	"runuser": `shift 3; "$@"`,
	"psql": `for sql; do :; done
echo "$sql" >>"$STAGE/log"
case $sql in *data_directory*) echo /data/pg ;; *tablespace*) echo "" ;; esac`,
	"readlink": `echo "$2"`,
	"mongosh": `for js; do :; done
case $js in
  *"lock: true"*)
    [ -e "$STAGE/nologin" ] && { echo "MongoServerError: Authentication failed." >&2; exit 1; }
    echo "$GOLDSMITH_URI" >>"$STAGE/log"; mkdir "$STAGE/ice/mongo" || exit 1; echo goldsmith-locked
    while [ -d "$STAGE/bin" ] && [ ! -e "$STAGE/state/nightly-1/unlock" ]; do /bin/sleep 0.02; done
    rmdir "$STAGE/ice/mongo" && touch "$STAGE/state/nightly-1/unlocked" ;;
  *fsyncUnlock*) rmdir "$STAGE/ice/mongo" || exit 1 ;;
esac`,
	"sync": `:`,
	"systemd-run": `[ -e "$STAGE/systemd" ] || exit 1
while :; do case $1 in --setenv=*) export "${1#--setenv=}"; shift ;; *) break ;; esac; done
echo "service $do" >>"$STAGE/log"
setsid "$@" </dev/null >/dev/null 2>&1 &`,
}

func play(t *testing.T, story func(*stage)) {
	t.Helper()
	for _, shell := range []string{"dash", "bash"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			s := &stage{t: t, dir: t.TempDir(), shell: path}
			for _, d := range []string{"bin", "ice", "state"} {
				if err := os.Mkdir(filepath.Join(s.dir, d), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			for name, body := range standIns {
				s.make("bin/"+name, "#!/bin/sh\n"+body+"\n")
			}
			script, err := os.ReadFile("freeze.sh")
			if err != nil {
				t.Fatal(err)
			}
			s.make("freeze.sh", string(script))
			t.Cleanup(func() { s.over(); s.want("it goes on", s.calm(), true); s.want("what is left", s.left(), "") })
			story(s)
		})
	}
}

func (s *stage) make(name, body string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(body), 0o700); err != nil {
		s.t.Fatal(err)
	}
}

// over lets the limit pass.
func (s *stage) over() { _ = os.WriteFile(filepath.Join(s.dir, "over60"), nil, 0o600) }

// run runs the script and gives what it printed.
func (s *stage) run(do, kind string, env ...string) (printed string, ok bool) {
	s.t.Helper()
	c := exec.CommandContext(s.t.Context(), s.shell, filepath.Join(s.dir, "freeze.sh"))
	c.Env = append([]string{"PATH=" + filepath.Join(s.dir, "bin") + ":/usr/bin:/bin", "STAGE=" + s.dir,
		"GOLDSMITH_BASE=" + filepath.Join(s.dir, "state"), "do=" + do, "run=nightly-1", "limit=60", "kind=" + kind}, env...)
	out, err := c.CombinedOutput()
	return string(out), err == nil
}

// ice is what stands still.
func (s *stage) ice() string {
	s.t.Helper()
	entries, err := os.ReadDir(filepath.Join(s.dir, "ice"))
	if err != nil {
		s.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// calm waits until nothing stands still.
func (s *stage) calm() bool {
	for range 500 {
		if s.ice() == "" {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// left are the processes of the test that do not end: none may outlive it.
func (s *stage) left() (left string) {
	for range 500 {
		if left = s.processes(); left == "" {
			return ""
		}
		time.Sleep(10 * time.Millisecond)
	}
	return left
}

func (s *stage) processes() (all string) {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	s.ok(err)
	for _, f := range files {
		if line, err := os.ReadFile(f); err == nil && strings.Contains(string(line), s.dir) {
			all += strings.ReplaceAll(string(line), "\x00", " ") + "; "
		}
	}
	return all
}

func (s *stage) log() string {
	b, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return string(b)
}

func (s *stage) want(what string, got, want any) {
	s.t.Helper()
	if got != want {
		s.t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func (s *stage) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// still is what stands still of each kind.
var still = map[string]string{
	"filesystems": "_data _data_deep", "mysql": "_data _data_deep tables", "postgresql": "_data _data_deep",
	"mongodb": "_data _data_deep mongo",
}

// What is frozen is thawed, each kind; the root, what is mounted a second time and what is read only are left alone.
func TestFreezeAndThaw(t *testing.T) {
	for kind, want := range still {
		t.Run(kind, func(t *testing.T) {
			play(t, func(s *stage) {
				said, ok := s.run("freeze", kind)
				s.want("freeze: "+said, ok, true)
				s.want("still", s.ice(), want)
				s.want("a second freeze", second(s.run("freeze", kind)), false)
				s.want("still after it", s.ice(), want)
				for range 2 {
					said, ok = s.run("thaw", kind)
					s.want("thaw: "+said, ok, true)
					s.want("it goes on", s.calm(), true)
				}
			})
		})
	}
}

func second(_ string, ok bool) bool { return ok }

// The watchdog ends what nobody ends, and the thaw says so then, however often. It knows, too, what went on before.
func TestWatchdog(t *testing.T) {
	for kind := range still {
		for _, systemd := range []bool{false, true} {
			early := systemd && kind == "filesystems"
			t.Run(fmt.Sprint(kind, " ", systemd), func(t *testing.T) {
				play(t, func(s *stage) {
					if systemd {
						s.make("systemd", "")
					}
					_, ok := s.run("freeze", kind)
					s.want("a service", strings.Contains(s.log(), "service watch"), systemd)
					s.want("freeze", ok, true)
					if early {
						s.ok(os.Remove(filepath.Join(s.dir, "ice", "_data")))
					}
					s.over()
					s.want("it goes on", s.calm(), true)
					s.want("the watchdog goes on", s.left(), "")
					for range 2 {
						said, ok := s.run("thaw", kind)
						s.want("thaw: "+said, ok, !early)
						s.want("says so", strings.Contains(said, "the watchdog of the machine let it go on after 60 seconds"), !early)
					}
				})
			})
		}
	}
}

// The thaw says that not all stood still until it came: somebody thawed a file system, or ended the session that holds
// the tables.
func TestOthersLetItGoOn(t *testing.T) {
	for name, c := range map[string]struct{ kind, does string }{
		"a file system": {"filesystems", "fsfreeze -u /data"},
		"the tables": {"mysql",
			`kill -s TERM -- "-$(cat $STAGE/state/nightly-1/session.pid)"; while [ ! -e $STAGE/state/nightly-1/unlocked ]; do sleep 1; done`},
		"MongoDB's writes":  {"mongodb", "mongosh fsyncUnlock"},
		"PostgreSQL's data": {"postgresql", "fsfreeze -u /data/deep"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *stage) {
				_, ok := s.run("freeze", c.kind)
				s.want("freeze", ok, true)
				s.make("hands", "PATH=$STAGE/bin:$PATH\n"+c.does+"\n")
				hands := exec.CommandContext(s.t.Context(), s.shell, filepath.Join(s.dir, "hands"))
				hands.Env = append(os.Environ(), "STAGE="+s.dir)
				s.ok(hands.Run())
				for range 2 {
					said, ok := s.run("thaw", c.kind)
					s.want("thaw", ok, false)
					s.want("says "+said, strings.Contains(said, "something else let it go on before"), true)
				}
				s.want("it goes on", s.calm(), true)
			})
		})
	}
}

// A session that holds MongoDB's lock, and is gone, leaves it: another one gives it back, also for the watchdog. A
// watchdog that is ended lets go at once.
func TestWhatIsKilled(t *testing.T) {
	for _, ends := range []func(*stage){
		func(s *stage) { _, _ = s.run("thaw", "mongodb") },
		func(s *stage) { s.over() },
		func(s *stage) { s.kill("watch", syscall.SIGTERM) },
	} {
		play(t, func(s *stage) {
			_, ok := s.run("freeze", "mongodb")
			s.want("freeze", ok, true)
			s.kill("session", syscall.SIGKILL)
			s.want("still", s.ice(), still["mongodb"])
			ends(s)
			s.want("it goes on", s.calm(), true)
		})
	}
}

// kill ends what the script does in a process of its own, and what that has started.
func (s *stage) kill(do string, by syscall.Signal) {
	s.t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	s.ok(err)
	for _, f := range files {
		env, err := os.ReadFile(f)
		if err != nil || !strings.Contains(string(env), "\x00STAGE="+s.dir+"\x00") &&
			!strings.HasPrefix(string(env), "STAGE="+s.dir+"\x00") {
			continue
		}
		if all := "\x00" + string(env); strings.Contains(all, "\x00do="+do+"\x00") {
			id, err := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			s.ok(err)
			_ = syscall.Kill(id, by)
		}
	}
}

// What another has frozen is left to that one.
func TestOthersFreeze(t *testing.T) {
	play(t, func(s *stage) {
		s.ok(os.Mkdir(filepath.Join(s.dir, "ice", "_data"), 0o700))
		said, ok := s.run("freeze", "filesystems")
		s.want("freeze: "+said, ok, false)
		s.want("theirs", s.ice(), "_data")
		said, ok = s.run("thaw", "filesystems")
		s.want("a thaw of nothing: "+said, ok, true)
		s.want("theirs", s.ice(), "_data")
		s.ok(os.Remove(filepath.Join(s.dir, "ice", "_data")))
	})
}

// A thaw that is cut off does not keep the watchdog from its work.
func TestThawCutOff(t *testing.T) {
	play(t, func(s *stage) {
		_, ok := s.run("freeze", "filesystems")
		s.want("freeze", ok, true)
		s.make("bin/fsfreeze", "#!/bin/sh\nkill -s KILL $PPID\n")
		_, ok = s.run("thaw", "filesystems")
		s.want("thaw", ok, false)
		s.make("bin/fsfreeze", "#!/bin/sh\n"+standIns["fsfreeze"]+"\n")
		s.over()
		s.want("it goes on", s.calm(), true)
	})
}

// What cannot be frozen whole is not left frozen in part.
func TestFreezeFails(t *testing.T) {
	for name, c := range map[string]struct {
		kind, bad, says string
		env             []string
		bare            bool // there is no mount but the root
	}{
		"a mount":               {kind: "filesystems", bad: "bad_data", says: "/data could not be frozen"},
		"a mount, with tables":  {kind: "mysql", bad: "bad_data", says: "/data could not be frozen"},
		"a mount, with MongoDB": {kind: "mongodb", bad: "bad_data", says: "/data could not be frozen"},
		"the login":             {kind: "mysql", bad: "nologin", says: "did not lock: ERROR 1045"},
		"MongoDB's login": {kind: "mongodb", bad: "nologin",
			says: "did not lock: MongoServerError: Authentication failed"},
		"PostgreSQL is on the root":  {kind: "postgresql", bad: "x", env: []string{"PG=/"}, says: "which is not frozen"},
		"nothing but what is needed": {kind: "filesystems", bad: "x", bare: true, says: "there is nothing to freeze"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *stage) {
				s.make(c.bad, "")
				if c.bare {
					s.make("bin/findmnt", "#!/bin/sh\ncase $* in *-T*) echo 259:1 ;; *) echo '/ 259:1 rw' ;; esac\n")
				}
				said, ok := s.run("freeze", c.kind, c.env...)
				s.want("freeze", ok, false)
				s.want("says "+said, strings.Contains(said, c.says), true)
				s.want("it goes on", s.calm(), true)
				said, ok = s.run("thaw", c.kind, c.env...)
				s.want("a thaw after it: "+said, ok, true)
			})
		})
	}
}

// The machine's own findmnt takes what it is asked.
func TestFindmnt(t *testing.T) {
	if _, err := exec.LookPath("findmnt"); err != nil {
		t.Skip(err)
	}
	play(t, func(s *stage) {
		s.ok(os.Remove(filepath.Join(s.dir, "bin", "findmnt")))
		said, ok := s.run("freeze", "filesystems")
		s.want("freeze: "+said, ok || strings.HasPrefix(said, "there is nothing to freeze"), true)
		s.want("findmnt's own words: "+said, strings.Contains(said, "findmnt"), false)
		_, _ = s.run("thaw", "filesystems")
	})
}

// Nothing frozen, nothing thawed: a machine that was started since says so.
func TestThawOfNothing(t *testing.T) {
	play(t, func(s *stage) {
		said, ok := s.run("thaw", "filesystems")
		s.want("thaw", ok, false)
		s.want("says "+said, strings.Contains(said, "nothing stands still"), true)
	})
}

// The login of MongoDB is read from root's file and is on no command line.
func TestMongoDBLogin(t *testing.T) {
	play(t, func(s *stage) {
		s.make("uri", "mongodb://root:secret@127.0.0.1")
		_, ok := s.run("freeze", "mongodb", "GOLDSMITH_MONGODB="+filepath.Join(s.dir, "uri"))
		s.want("freeze", ok, true)
		s.want("login", strings.Contains(s.log(), "root:secret"), true)
		_, _ = s.run("thaw", "mongodb")
	})
}

// What is sent is the whole script with what it is to do, and nothing that Systems Manager or a shell takes for more.
func TestCommands(t *testing.T) {
	p := plan.Plan{Consistency: plan.Frozen, Freeze: plan.Freeze{Of: plan.FreezeMySQL}}
	h := freeze.Commands(p, "nightly-20000101T003000Z")
	for do, text := range map[string]string{"freeze": h.Before, "thaw": h.After} {
		with := map[string]string{"freeze": " limit=60 kind=mysql"}[do]
		if !strings.Contains(text, "export do="+do+" run=nightly-20000101T003000Z"+with+"\n") ||
			strings.Contains(text, "{{") || len(text) > 16<<10 {
			t.Errorf("%s is sent as %d bytes:\n%s", do, len(text), text[len(text)-200:])
		}
		if out, err := exec.CommandContext(t.Context(), "sh", "-n", "-c", text).CombinedOutput(); err != nil {
			t.Errorf("%s is no shell command: %s", do, out)
		}
	}
	if hooks := (plan.Hooks{Before: "a"}); freeze.Commands(plan.Plan{Hooks: hooks}, "x") != hooks {
		t.Error("a plan's hooks are its own")
	}
}
