# Brings the data of a running machine to rest for an image (do=freeze), and lets it go on (do=thaw). run names the run of
# Goldsmith; to freeze, limit is a number of seconds, and kind is filesystems, mysql, postgresql or mongodb. All are in the
# environment.
#
# Nothing stays frozen for longer than limit: a watchdog on the machine itself is there before anything is frozen, and
# needs no connection (do=watch). Frozen are file systems of ext4 and xfs that hold nothing which the machine needs to let
# them go on, and so never the root. What a run has done is kept below $state, which is in memory.
set -u
umask 077
base=${GOLDSMITH_BASE:-/run/goldsmith}
state=$base/$run

fail() {
  echo "$1" >&2
  exit 1
}

# needed are directories without which the agent, the shell and the watchdog do not go on.
needed="/ /usr /bin /lib /etc /boot /var /var/lib /var/lib/amazon /var/lib/systemd /var/lib/snapd /var/snap /snap /tmp
  /var/tmp /run /root /home"

# mounts are those that are frozen, one for each file system, and what is below another one before that. Never logs: who
# cannot write one, such as an audit's, hangs, and with an audit that is everybody.
mounts() {
  kept=$(for d in $needed; do findmnt -n -o MAJ:MIN -T "$d" 2>/dev/null; done)
  seen=" "
  findmnt -n -r -o TARGET,MAJ:MIN,OPTIONS -t ext4,xfs | sort -r | while read -r target device options; do
    echo "$kept" | tr -d ' ' | grep -Fqx -- "$device" && continue
    case ",$options," in *,ro,*) continue ;; esac
    case "$target" in /var/log | /var/log/* | /boot/* | /usr/* | /etc/*) continue ;; esac
    case "$seen" in *" $device "*) continue ;; esac
    case "$target" in *\\x*) fail "the name of mount $target cannot be given to fsfreeze" ;; esac
    seen="$seen$device "
    echo "$target"
  done
}

# release lets everything go on that the run may have brought to rest, and fails where some of it had gone on before: what
# is not frozen refuses to be thawed, and no harm is done.
release() {
  still=0
  if [ -f "$state/frozen" ]; then
    while read -r target; do fsfreeze -u "$target" 2>/dev/null || still=1; done <"$state/frozen"
  fi
  case $kind in
    mysql) release_mysql || still=1 ;;
    mongodb) release_mongodb || still=1 ;;
  esac
  return $still
}

expired() { [ -e "$state/expired" ]; }

# hold has a session of its own take a lock, and keep it. It is over when it is told so, by the watchdog at the latest, and
# by itself some seconds after that.
hold() {
  do=session setsid sh "$0" </dev/null >"$state/session" 2>&1 &
  echo $! >"$state/session.pid"
  until grep -qs goldsmith-locked "$state/session"; do
    goes_on || fail "the server did not lock: $(last)"
    expired && fail "the server did not lock within $limit seconds"
    sleep 0.2
  done
}

goes_on() { kill -0 "$(cat "$state/session.pid")" 2>/dev/null; }

session() { session_"$kind"; }

# The lock of MySQL or MariaDB ends with its session, however that ends. Whoever writes waits from when it is asked for, so
# that it is not asked for longer than leaves time for snapshots. The login is root's on the machine: ~/.my.cnf, or the
# socket.
hold_mysql() { hold; }

session_mysql() {
  client=$(command -v mariadb || command -v mysql) || fail "there is no client mariadb or mysql"
  {
    echo "SET SESSION wait_timeout = $((limit + 5)); SET SESSION lock_wait_timeout = $((limit / 2));"
    echo "FLUSH TABLES WITH READ LOCK; SELECT 'goldsmith-locked';"
    exec sleep $((limit + 5))
  } | { # Where the client ends the session is over, and not only once its time is.
    trap : TERM
    "$client" --skip-column-names --unbuffered --batch
    : >"$state/unlocked"
    kill -s TERM -- "-$$"
  }
}

release_mysql() {
  [ -f "$state/session.pid" ] || return 0
  [ ! -e "$state/unlocked" ] && kill -s TERM -- "-$(cat "$state/session.pid")" 2>/dev/null
}

# PostgreSQL recovers from its log, of which a checkpoint leaves little to read. Its files have to be of one moment, so
# that what they are on has to be frozen.
hold_postgresql() {
  data=$(as_postgres "SHOW data_directory") || fail "the server did not say where its data is: $data"
  spaces=$(as_postgres "SELECT pg_tablespace_location(oid) FROM pg_tablespace") || fail "no tablespaces: $spaces"
  for d in "$data" "$data/pg_wal" $spaces; do
    on=$(findmnt -n -o TARGET -T "$(readlink -f "$d")")
    grep -Fqx -- "$on" "$state/wanted" ||
      fail "$d is on $on, which is not frozen: it has to be on a file system of its own, ext4 or xfs"
  done
  as_postgres CHECKPOINT >"$state/session" 2>&1 || fail "the server made no checkpoint: $(last)"
}

as_postgres() {
  (cd / && timeout "$limit" runuser -u postgres -- psql -X -A -t -q -v ON_ERROR_STOP=1 -d postgres -c "$1" 2>&1)
}

# MongoDB keeps its lock when the session has ended, and may let nobody log in meanwhile: the session that has it gives it
# back, and only where that is gone another one. Where it listens and the login are in a file of root's, if anywhere, and
# on no command line.
hold_mongodb() {
  : >"$state/locking"
  hold
}

session_mongodb() {
  mongo $((limit + 10)) "run({fsync: 1, lock: true}); print('goldsmith-locked');
    const fs = require('fs'), end = Date.now() + 1000 * ($limit + 5);
    while (Date.now() < end && !fs.existsSync('$state/unlock')) { sleep(100); }
    run({fsyncUnlock: 1}); fs.writeFileSync('$state/unlocked', '');"
}

release_mongodb() {
  [ -e "$state/locking" ] || return 0 # Once: the server counts locks, others' too.
  [ ! -e "$state/unlocked" ] || return 1
  : >"$state/unlock"
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
    [ ! -e "$state/unlocked" ] && goes_on || break
    sleep 0.2
  done
  [ -e "$state/unlocked" ] || mongo 20 'run({fsyncUnlock: 1});' >/dev/null 2>&1 || return 1
  rm -f "$state/locking"
}

# mongo does something within some seconds.
mongo() {
  file=${GOLDSMITH_MONGODB:-/etc/goldsmith/mongodb}
  uri=mongodb://127.0.0.1
  [ -f "$file" ] && uri=$(cat "$file")
  GOLDSMITH_URI=$uri timeout "$1" mongosh --nodb --quiet --norc --eval \
    "const admin = connect(process.env.GOLDSMITH_URI).getSiblingDB('admin');
    const run = (c) => { const a = admin.runCommand(c); if (!a.ok) { throw a.errmsg; } };
    $2"
}

last() { tail -n 1 "$state/session" | cut -c1-300; }

# guard starts the watchdog: as a service of its own where there is systemd, since what ends the agent's service may end
# all that the agent has started.
guard() {
  systemd-run --setenv=PATH="$PATH" --setenv=GOLDSMITH_BASE="$base" --setenv=do=watch --setenv=run="$run" \
    --setenv=limit="$limit" --setenv=kind="$kind" --setenv=freezer=$$ /bin/sh "$0" >/dev/null 2>&1 && return
  do=watch freezer=$$ setsid sh "$0" </dev/null >/dev/null 2>&1 &
}

# watch lets everything go on when limit is over, and again for as long as the one that freezes has not ended; and at once
# where it is ended itself.
watch() {
  trap ': >"$state/early"; release; exit 1' HUP INT TERM
  sleep "$limit" || : >"$state/early"
  [ -e "$state/thawed" ] && exit 0
  : >"$state/expired"
  release || : >"$state/early"
  while kill -0 "$freezer" 2>/dev/null; do
    sleep 1
    release
  done
  exit 0
}

freeze() {
  mkdir -p "$base"
  find "$base" -mindepth 1 -maxdepth 1 -mtime +2 -exec rm -rf {} + 2>/dev/null
  mkdir "$state" || fail "run $run has been here before"
  echo "kind=$kind limit=$limit" >"$state/what"
  mounts >"$state/wanted" || fail "what is to be frozen could not be told"
  [ "$kind" != filesystems ] || [ -s "$state/wanted" ] ||
    fail "there is nothing to freeze: no mount of ext4 or xfs beside those that the system itself needs"
  guard
  trap 'release; : >"$state/failed"' EXIT
  trap 'exit 1' HUP INT TERM
  [ "$kind" = filesystems ] || hold_"$kind"
  sync
  while read -r target; do
    expired && fail "it took longer than $limit seconds"
    echo "$target" >>"$state/frozen"
    fsfreeze -f "$target" || {
      sed -i '$d' "$state/frozen" # Whoever has frozen it thaws it.
      fail "$target could not be frozen"
    }
  done <"$state/wanted"
  expired && fail "it took longer than $limit seconds"
  trap - EXIT
  echo "frozen for $limit seconds at most: $kind" $(cat "$state/wanted")
}

# thaw says whether all stood still until now, or until limit was over. Until it has let everything go on the watchdog
# does not count on it.
thaw() {
  [ -f "$state/what" ] || fail "nothing stands still: the machine was started since, or nothing was frozen"
  . "$state/what"
  [ -e "$state/thawed" ] || {
    release || expired || : >"$state/early"
    : >"$state/thawed"
  }
  [ -e "$state/failed" ] || [ ! -e "$state/early" ] ||
    fail "it did not all stand still any more: something else let it go on before"
  expired && echo "the watchdog of the machine let it go on after $limit seconds"
  echo thawed
}

case $do in
  freeze) freeze ;;
  session) session ;;
  thaw) thaw ;;
  watch) watch ;;
esac
