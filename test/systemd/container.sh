#!/usr/bin/env bash
# Boots a systemd in a container, and in there one service:
#   container.sh EXCHANGE PROJECT CONSOLE NODE [DISK]
# Run in a cgroup and a mount namespace of its own: the file system is an overlay of this machine's, or of that on DISK, whose changes live on
# a tmpfs that goes with the namespace. EXCHANGE is a directory outside of it: `service` in there is the unit, `output` gets what it prints.
# CONSOLE is `passive` or `interactive`. NODE is the program for a system that has none. Exits like the unit's command.
set -euo pipefail
exchange=$1 project=$2 console=$3 node=$4 disk=${5:-}
top=$exchange/root

mount -t tmpfs -o mode=755 tenement-systemd "$top"
mkdir "$top"/{upper,work,root,lower}
root=$top/root lower=/
if [ -n "$disk" ]; then
  lower=$top/lower
  mount -o loop,ro,noload "$disk" "$lower"
fi
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$top/upper,workdir=$top/work" "$root"
# The project may be on a file system of its own; and nspawn covers /tmp. As an overlay, too: what a test deletes in there is not deleted out here.
options=()
case $project in
  /tmp/*)
    # That of nspawn would have no place for it.
    export SYSTEMD_NSPAWN_TMPFS_TMP=0
    mount -t tmpfs -o mode=1777 tmp "$root/tmp"
    mkdir -p "$root$project"
    own=yes
    ;;
  /run/* | /dev/*) own=yes ;;
  *) [ "$(stat -c %d "$project")" = "$(stat -c %d /)" ] && own=no || own=yes ;;
esac
if [ -n "$disk" ]; then
  own=yes
  mkdir -p "$root$project"
  # The disks of a machine (test/vm/image/recipe.sh) that are not here.
  : >"$root/etc/fstab"
  cp "$node" "$root/usr/local/bin/node"
fi
[ "$own" = no ] || options+=("--overlay=$project::$project")

units=$root/etc/systemd/system
cp "$exchange/service" "$units/tenement-tests.service"
# Not what the image would start: what tests need.
cat >"$units/tenement-tests.target" <<UNIT
[Unit]
Description=Tests of the project
Requires=sysinit.target dbus.socket
After=sysinit.target
Wants=tenement-tests.service
AllowIsolate=yes
UNIT
rm -f "$root/etc/machine-id"
: >"$root/etc/machine-id"

# Whatever hierarchies this machine has, in here there is version 2 alone, and systemd makes its groups below
# the one that we are in.
umount --recursive --lazy /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup

# Under a name of its own: two runs at the same time would share the directories that nspawn keeps for a name.
options+=("--machine=tenement-tests-$$")
# Where this machine runs under systemd, that has to know of the container's groups.
[ -d /run/systemd/system ] || options+=(--keep-unit)
exec systemd-nspawn --quiet --directory="$root" --boot --register=no --private-users=no --private-network \
  --console="$console" --bind="$exchange:/run/tenement-tests:norbind" "${options[@]}" \
  systemd.unit=tenement-tests.target --show-status=no
