#!/usr/bin/env bash
# Builds the disk, kernel and initramfs of a Debian machine with cgroup v2, from Debian's packages:
#   recipe.sh RELEASE MIRROR TARGET
# TARGET appears only when it is complete. Whoever comes while another builds the same, waits for that.
# Needs root, mmdebstrap and mke2fs. cache.ts takes the hash of this file as the name of what it builds.
set -euo pipefail
release=$1 mirror=$2 target=$3

exec 9>"$target.lock"
flock 9
[ ! -e "$target" ] || exit 0
work=$(mktemp -d "$target.part.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root

packages=(
  systemd systemd-sysv udev dbus libpam-systemd libnss-systemd passwd kmod
  util-linux mount procps e2fsprogs quota curl python3 libstdc++6 busybox-static
  iproute2 nftables bubblewrap passt slirp4netns ca-certificates
)
# Installed as a package it would want an initramfs and a boot loader. Unpacked over the root, /lib would stop being a link.
read -r -d '' kernel_hook <<'HOOK' || true
set -e
mkdir "$1/kernel" && cd "$1/kernel"
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
apt-get -o APT::Sandbox::User=root download "$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: //p' | head -n 1)"
dpkg -x ./*.deb .
mv boot/vmlinuz-* ../boot/
mv ./lib/modules ../usr/lib/ 2>/dev/null || mv usr/lib/modules ../usr/lib/
cd .. && rm -r kernel
HOOK

mmdebstrap --mode=root --variant=minbase --architectures=amd64 \
  --include="$(IFS=, && echo "${packages[*]}")" \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --aptopt='Acquire::Languages "none"' \
  "--customize-hook=$kernel_hook" \
  "$release" "$root" "$mirror"

# --- what the machine is when it has started: everything that a server has, then whatever guest/start.sh does ---
cat >"$root/etc/fstab" <<FSTAB
LABEL=project /tenement ext4 noatime 0 0
LABEL=data /data ext4 noatime,prjquota 0 0
FSTAB
mkdir "$root/tenement" "$root/data"
echo tenement >"$root/etc/hostname"
echo '127.0.0.1 localhost tenement' >"$root/etc/hosts"
echo '::1 localhost' >>"$root/etc/hosts"
: >"$root/etc/machine-id"
passwd --root "$root" --delete root
useradd --root "$root" --create-home --uid 2000 --shell /bin/bash tester
cat >"$root/etc/systemd/system/tenement-machine.target" <<UNIT
[Unit]
Description=The machine has started
Requires=multi-user.target
After=multi-user.target
Wants=tenement-machine.service
AllowIsolate=yes
UNIT
cat >"$root/etc/systemd/system/tenement-machine.service" <<UNIT
[Unit]
Description=Tests of the project
After=multi-user.target
RequiresMountsFor=/tenement /data

[Service]
Type=exec
Environment=LANG=C.UTF-8
ExecStart=/bin/bash /tenement/test/vm/guest/start.sh
TimeoutStopSec=10s
UNIT
ln -s tenement-machine.target "$root/etc/systemd/system/default.target"
for unit in getty@tty1.service serial-getty@ttyS0.service serial-getty@ttyS1.service getty.target \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
  fstrim.timer systemd-tmpfiles-clean.timer systemd-timesyncd.service; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

# --- an initramfs that knows the disks of qemu and of User-mode Linux, and no more ---
version=$(basename "$root"/usr/lib/modules/*)
initramfs=$work/initramfs
mkdir -p "$initramfs"/{bin,dev,proc,modules,root}
chroot "$root" depmod "$version"
cp "$root/bin/busybox" "$initramfs/bin/busybox"
n=100
for name in virtio_pci virtio_blk; do
  while read -r _ module _; do
    n=$((n + 1))
    case $module in
      *.xz) xz --decompress --stdout "$root/$module" >"$initramfs/modules/$n.ko" ;;
      *) cp "$root/$module" "$initramfs/modules/$n.ko" ;;
    esac
  done < <(chroot "$root" modprobe --set-version "$version" --show-depends "$name" | grep '^insmod')
done
cat >"$initramfs/init" <<'INIT'
#!/bin/busybox sh
busybox mount -t devtmpfs none /dev
# Some are in twice: whoever is needed by both.
for module in /modules/*.ko; do busybox insmod "$module" 2>/dev/null; done
until [ -b /dev/vda ] || [ -b /dev/ubda ]; do busybox usleep 10000; done
if [ -b /dev/vda ]; then name=vd; else name=ubd; fi
busybox mount -t ext4 "/dev/${name}a" /root
# A kernel that is not of the image brings its modules with the project.
busybox mount -t ext4 -o noatime "/dev/${name}b" /root/tenement
if [ -d /root/tenement/.modules ]; then
  busybox mount --bind /root/tenement/.modules /root/usr/lib/modules
fi
exec busybox switch_root /root /sbin/init
INIT
chmod 755 "$initramfs/init"
(cd "$initramfs" && find . | "$root/bin/busybox" cpio -o -H newc) | gzip -1 >"$work/initrd"
cp "$root/boot/vmlinuz-$version" "$work/kernel"
rm -rf "$root"/boot/* "$initramfs"

truncate --size 3G "$work/disk"
mke2fs -q -t ext4 -L system -d "$root" "$work/disk"
rm -rf --one-file-system "$root"
mv --no-target-directory "$work" "$target"
trap - EXIT
