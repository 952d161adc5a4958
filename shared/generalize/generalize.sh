# Takes from a machine what is its own, so that an image of it can be launched many times. keep, in the environment, are
# items that stay, by their names, with spaces between. It is for machines that are run by systemd: it cleans what it can at
# once, and all of it when the machine shuts down (late=yes), once nothing writes any more. It may be run any number of
# times, and prints a line for each item.
#
# It is never to be run on a machine that goes on: Goldsmith runs it on a copy, which is ended.
set -u
umask 022
keep=${keep:-}
late=${late:-}
unit=goldsmith-generalize.service

# Every item is a function. What the agent still needs to answer, and what is written until the end, is left to the late
# pass.
items="cloud-init machine-id ssh-host-keys hostname dhcp-leases udev-net agents credential-secret histories logs
  random-seed temporary"

# gone removes what there is of the paths, and counts.
gone() {
  for path; do
    { [ -e "$path" ] || [ -h "$path" ]; } || continue
    rm -rf -- "$path" && removed=$((removed + 1)) || failed="$failed $path"
  done
}

# emptied empties files that have to be there, where they are: who has one open goes on with it.
emptied() {
  for path; do
    [ -f "$path" ] && [ ! -h "$path" ] && [ -s "$path" ] || continue
    : >"$path" && removed=$((removed + 1)) || failed="$failed $path"
  done
}

# found removes what find finds, and drained empties it. Names may hold anything.
found() {
  removed=$((removed + $(find "$@" -print 2>/dev/null | wc -l)))
  find "$@" -exec rm -rf -- {} + 2>/dev/null || failed="$failed $1"
}

drained() {
  removed=$((removed + $(find "$@" -print 2>/dev/null | wc -l)))
  find "$@" -exec sh -c 'for each; do : >"$each" || exit 1; done' sh {} + 2>/dev/null || failed="$failed $1"
}

# An empty file is filled at the next boot. A missing one would make it a first boot, at which presets are applied anew.
machine_id() {
  emptied /etc/machine-id
  [ -h /var/lib/dbus/machine-id ] || gone /var/lib/dbus/machine-id
}

# Without its keys sshd does not start: they stay where nothing makes new ones.
ssh_host_keys() {
  if ! has_cloud_init && ! makes_keys; then
    why="stay: nothing makes new ones at boot, neither cloud-init nor a service of sshd"
    return
  fi
  gone /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
}

makes_keys() {
  for dir in /etc/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
    for service in "$dir"/sshd-keygen*.service "$dir"/sshdgenkeys.service; do [ -f "$service" ] && return; done
    grep -qs 'ssh-keygen -A\|sshd-gen-keys-start' "$dir"/ssh.service "$dir"/sshd.service && return
  done
  return 1
}

has_cloud_init() { command -v cloud-init >/dev/null 2>&1 && [ ! -e /etc/cloud/cloud-init.disabled ]; }

# Its own program knows best what it has written; a file that it leaves says that this instance was set up before.
cloud_init() {
  [ -d /var/lib/cloud ] || return 0
  count /var/lib/cloud
  if [ -n "$late" ] || ! has_cloud_init || ! cloud-init clean --logs >/dev/null 2>&1; then
    gone /var/lib/cloud/instance /var/lib/cloud/instances /var/lib/cloud/data /var/lib/cloud/sem \
      /var/lib/cloud/handlers /var/lib/cloud/scripts/per-instance
    emptied /var/log/cloud-init.log /var/log/cloud-init-output.log
  fi
  recount /var/lib/cloud
}

files() { find "$1" -xdev ! -type d 2>/dev/null | wc -l; }
count() { before=$(files "$1"); }
recount() { removed=$((before - $(files "$1"))); }

# Without the file the name comes from the network, and cloud-init writes a new one.
hostname_() { gone /etc/hostname; }

dhcp_leases() {
  gone /var/lib/dhcp/*.lease* /var/lib/dhclient/*.lease* /var/lib/dhcpcd/*.lease* /var/lib/dhcpcd/duid \
    /var/lib/dhcpcd/secret /var/lib/NetworkManager/*.lease /var/lib/NetworkManager/secret_key \
    /var/lib/NetworkManager/timestamps /var/lib/wicked/lease-*.xml /var/lib/wicked/duid.xml /var/lib/wicked/iaid.xml
}

udev_net() { gone /etc/udev/rules.d/*-persistent-net.rules; }

# What agents have been told that they are. The agent of Systems Manager has yet to answer: its own goes late.
agents() {
  gone /var/lib/ecs/data/* /etc/puppetlabs/puppet/ssl /etc/chef/client.pem /etc/salt/pki/minion/minion.pem \
    /etc/salt/pki/minion/minion.pub /etc/salt/minion_id /etc/pki/consumer/*.pem /etc/pki/entitlement/*.pem \
    /var/ossec/etc/client.keys
  [ -z "$late" ] || gone /var/lib/amazon/ssm/*
}

# What was encrypted with it could not be read any more.
credential_secret() {
  for dir in /etc/credstore.encrypted /usr/lib/credstore.encrypted; do
    [ -z "$(ls -A "$dir" 2>/dev/null)" ] || why="stays: there is something in $dir"
  done
  ! grep -rqsE '^ *(Load|Set)CredentialEncrypted' /etc/systemd/system /usr/lib/systemd/system ||
    why="stays: services have credentials that are encrypted with it"
  [ -n "$why" ] || gone /var/lib/systemd/credential.secret
}

histories() {
  while IFS=: read -r _ _ _ _ _ home _; do
    case "$home" in /*) ;; *) continue ;; esac
    for name in .bash_history .zsh_history .zhistory .ksh_history .sh_history .ash_history .history .mysql_history \
      .mariadb_history .psql_history .sqlite_history .rediscli_history .dbshell .python_history .node_repl_history \
      .irb_history .lesshst .viminfo .mongodb/mongosh; do
      gone "${home%/}/$name"
    done
  done </etc/passwd
}

# Files stay, and are empty: a service may want one to be there. What was rotated goes, and the journal of the machine that
# this was.
logs() {
  [ -d /var/log ] || return 0
  [ ! -d /var/log/journal ] || found /var/log/journal -xdev -mindepth 1 -maxdepth 1 -type d
  found /var/log -xdev -type f \( -name '*.gz' -o -name '*.xz' -o -name '*.bz2' -o -name '*.zst' -o -name '*.old' \
    -o -name '*.[0-9]' -o -name '*.[0-9][0-9]' -o -name '*-[12][0-9][0-9][0-9][01][0-9][0-3][0-9]' \)
  drained /var/log -xdev -type f -size +0
}

random_seed() {
  gone /var/lib/systemd/random-seed /var/lib/urandom/random-seed /var/lib/misc/random-seed \
    /boot/efi/loader/random-seed /boot/loader/random-seed /efi/loader/random-seed
}

# What runs needs them.
temporary() {
  [ -n "$late" ] || return 0
  for dir in /tmp /var/tmp; do found "$dir" -xdev -mindepth 1 -maxdepth 1; done
}

# clean does one item, and says what came of it.
clean() {
  removed=0 failed="" why=""
  case " $keep " in *" $1 "*)
    echo "$1: stays, as the plan wants"
    return
    ;;
  esac
  case $1 in
    hostname) hostname_ ;;
    *) $(echo "$1" | tr - _) ;;
  esac
  if [ -n "$failed" ]; then
    echo "$1: not removed:$failed" >&2
    bad=yes
  fi
  echo "$1: ${why:-$removed removed}$(rest "$1")"
}

# rest says what is left to the late pass.
rest() {
  [ -z "$late" ] || return 0
  case $1 in agents) echo "; those of Systems Manager at shutdown" ;; temporary) echo "; all at shutdown" ;; esac
}

# arrange has the machine run this once more when it shuts down. What is started before all others is stopped after them.
# Neither the service nor the script is on a disk.
arrange() {
  cat >/run/systemd/system/$unit <<END
[Unit]
Description=Take from this machine what is its own
DefaultDependencies=no
Conflicts=shutdown.target
Before=sysinit.target shutdown.target systemd-random-seed.service systemd-journal-flush.service
Before=systemd-networkd.service NetworkManager.service wicked.service
RequiresMountsFor=/etc /var /var/lib /var/log /var/tmp /tmp /root /home

[Service]
Type=oneshot
RemainAfterExit=yes
Environment="late=yes" "keep=$keep"
ExecStart=/bin/true
ExecStop=/bin/sh $0
TimeoutStopSec=120
END
  systemctl daemon-reload && systemctl start $unit
}

bad=""
if [ -z "$late" ]; then
  [ -d /run/systemd/system ] || {
    echo "this machine is not run by systemd, without which it is not known when nothing writes any more" >&2
    exit 1
  }
  arrange || {
    echo "what is to be run when the machine shuts down could not be arranged" >&2
    exit 1
  }
fi
for item in $items; do clean "$item"; done
sync
[ -z "$bad" ]
