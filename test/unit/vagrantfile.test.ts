/** The Vagrantfile as Ruby runs it on each kind of computer: what each provider is told, without a provider. */
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { packageRoot } from '../../src/base/package-root.js';

/** Takes whatever is set, and tells it: `vm.box=` of the machine, of a provider, and of what a provider overrides. */
const RECORDER = `
require 'json'
require 'rbconfig'
cpu, platform, file = ARGV
$VERBOSE = nil
RbConfig::CONFIG['host_cpu'] = cpu
RUBY_PLATFORM = platform
class Recorder
  attr_reader :told
  def initialize; @told = {}; end
  def vm; @vm ||= Recorder.new; end
  def provider(name)
    machine, override = Recorder.new, Recorder.new
    yield machine, override
    @told[name] = machine.told.merge(override.vm.told)
  end
  def method_missing(name, *args, **options)
    return @told[name.to_s.delete_suffix('=')] = args.first if name.to_s.end_with?('=')
    (@told[name.to_s] ||= []) << [*args, options]
  end
  def respond_to_missing?(*) = true
end
module Vagrant
  VERSION = '2.4.9'
  def self.configure(_) = yield($recorder = Recorder.new)
end
load file
puts JSON.generate($recorder.vm.told)
`;

interface Told {
  readonly box: string;
  readonly [provider: string]: unknown;
}

async function toldOn(
  cpu: string,
  platform: string,
  env: Record<string, string> = {},
): Promise<Told | undefined> {
  const file = join(packageRoot, 'Vagrantfile');
  const { failed, stdout, stderr, code } = await execa('ruby', ['-e', RECORDER, '--', cpu, platform, file], {
    reject: false,
    env,
  });
  if (code === 'ENOENT') return undefined;
  if (failed) throw new Error(stderr);
  return JSON.parse(stdout);
}

function skip(t: ExecutionContext): void {
  t.log('skipped: there is no ruby here');
  t.pass();
}

for (const [title, { cpu, platform, qemu }] of Object.entries({
  'a Mac with Apple silicon': {
    cpu: 'arm64',
    platform: 'arm64-darwin24',
    qemu: { smp: '2', memory: '2G', box: 'cloud-image/debian-13' },
  },
  'a Mac with Intel': {
    cpu: 'x86_64',
    platform: 'x86_64-darwin24',
    qemu: {
      smp: '2',
      memory: '2G',
      box: 'cloud-image/debian-13',
      qemu_dir: '/usr/local/share/qemu',
      arch: 'x86_64',
      machine: 'q35,accel=hvf',
      cpu: 'host',
      net_device: 'virtio-net-pci',
    },
  },
  'Linux on Intel': {
    cpu: 'x86_64',
    platform: 'x86_64-linux',
    qemu: {
      smp: '2',
      memory: '2G',
      box: 'cloud-image/debian-13',
      qemu_dir: '/usr/share/qemu',
      arch: 'x86_64',
      machine: 'q35,accel=kvm',
      cpu: 'host',
      net_device: 'virtio-net-pci',
    },
  },
  'Linux on ARM': {
    cpu: 'aarch64',
    platform: 'aarch64-linux',
    qemu: {
      smp: '2',
      memory: '2G',
      box: 'cloud-image/debian-13',
      qemu_dir: '/usr/share/qemu',
      machine: 'virt,accel=kvm',
    },
  },
})) {
  test(`each provider has a box and settings for ${title}`, async (t) => {
    const told = await toldOn(cpu, platform);
    if (told === undefined) return skip(t);
    t.is(told.box, 'bento/debian-13');
    for (const name of ['virtualbox', 'vmware_desktop', 'parallels', 'utm'])
      t.deepEqual(told[name], { cpus: 2, memory: 2048 }, name);
    t.deepEqual(told.libvirt, { cpus: 2, memory: 2048, box: 'cloud-image/debian-13' });
    t.deepEqual(told.qemu, qemu);
  });
}

test('another box is for every provider, and packages of outside stay outside', async (t) => {
  const told = await toldOn('arm64', 'arm64-darwin24', { TENEMENT_BOX: 'https://example.com/my.box' });
  if (told === undefined) return skip(t);
  t.is(told.box, 'https://example.com/my.box');
  t.like(told, {
    qemu: { box: 'https://example.com/my.box' },
    libvirt: { box: 'https://example.com/my.box' },
  });
  const [[, , folder]] = told.synced_folder as [[string, string, { type: string; rsync__exclude: string[] }]];
  t.is(folder.type, 'rsync');
  for (const name of ['node_modules/', 'dist/', '.git/']) t.true(folder.rsync__exclude.includes(name), name);
});
