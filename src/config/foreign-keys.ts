/** Keys that other tools of this kind have and tenement has not, by what they are about; with what to write instead. */
const REASONS: readonly { keys: readonly string[]; reason: string }[] = [
  {
    keys: ['image', 'docker', 'dockerfile', 'container', 'build', 'registry', 'oci', 'podman', 'pull_policy'],
    reason: 'tenement runs programs of this machine, not container images: name the program in `command`',
  },
  {
    keys: [
      'kernel',
      'initrd',
      'rootfs',
      'firecracker',
      'qemu',
      'vm',
      'vmm',
      'vcpus',
      'microvm',
      'boot_args',
      'kernel_args',
    ],
    reason:
      'tenement starts no virtual machines: instances are processes, kept apart by `isolation`, limited by `cpu_limit` and `memory_limit_mb`',
  },
  {
    keys: ['mounts', 'mount', 'volumes', 'volume', 'binds'],
    reason:
      'there is nothing to mount: each instance owns `{data_dir}/{id}` when `env` names it; further paths go into `read_only_paths` and `read_write_paths`',
  },
  {
    keys: ['ports', 'port', 'expose', 'internal_port', 'publish'],
    reason: 'tenement chooses the port of each instance and passes it as $PORT, or as {port} in `command`',
  },
  {
    keys: ['socket', 'socket_path', 'unix_socket'],
    reason: 'tenement chooses the socket of each instance: set `listen = "unix"` and use $SOCKET_PATH',
  },
  {
    keys: ['replicas', 'scale', 'instances', 'count', 'processes', 'workers', 'min_machines_running'],
    reason: 'an instance is one process per customer: list the ones to start under [instances]',
  },
  {
    keys: ['depends_on', 'links', 'after', 'requires'],
    reason: 'there is no order between services: each one is started when it is asked for',
  },
  {
    keys: ['domain', 'domains', 'host', 'hosts', 'hostname', 'route', 'routes'],
    reason: 'names come from `ten serve --domain`; what else leads to a service stands under [routing]',
  },
  {
    keys: ['auto_stop', 'autostop', 'auto_stop_machines', 'auto_start_machines', 'sleep_after', 'ttl'],
    reason: 'sleeping is set by `idle_timeout`; the next request wakes an instance',
  },
  {
    keys: ['shell'],
    reason: 'no shell is involved: write `command = "sh -c \'...\'"` where one is needed',
  },
];

/** Why a key is not tenement's, when it is one that people bring from elsewhere. */
export function foreignKey(key: string): string | undefined {
  return REASONS.find(({ keys }) => keys.includes(key.toLowerCase()))?.reason;
}
