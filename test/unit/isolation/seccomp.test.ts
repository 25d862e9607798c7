import test from 'ava';
import { encodeFilter, filterProgram, type Instruction, isFilterArch } from '../../../isolation/seccomp.js';
import { DENIED, type FilterArch, SPECIAL } from '../../../isolation/syscalls.js';

const ARCHES: FilterArch[] = ['x64', 'arm64'];
const AUDIT = { x64: 0xc000003e, arm64: 0xc00000b7 };
const ALLOW = 0x7fff0000;
const EPERM = 0x00050001;

/** Runs the program as the kernel does (networking/filter.rst). */
function decide(arch: FilterArch, number: number, args: number[] = [], audit = AUDIT[arch]): number {
  const program = filterProgram(arch);
  const words = new Map([[0, number], [4, audit], ...args.map((value, i) => [16 + 8 * i, value] as const)]);
  let a = 0;
  for (let pc = 0; ; pc += 1) {
    const { code, jt, jf, k }: Instruction = program[pc] ?? { code: 0, jt: 0, jf: 0, k: 0 };
    const jump = (taken: boolean): void => {
      pc += taken ? jt : jf;
    };
    if (code === 0x20) a = words.get(k) ?? 0;
    else if (code === 0x15) jump(a === k);
    else if (code === 0x35) jump(a >= k);
    else if (code === 0x45) jump((a & k) !== 0);
    else if (code === 0x06) return k;
    else throw new Error(`bad instruction at ${pc}`);
  }
}

for (const arch of ARCHES) {
  test(`${arch}: what is listed is denied, everything else is allowed`, (t) => {
    for (const number of DENIED[arch]) t.is(decide(arch, number), EPERM, String(number));
    const special = Object.values(SPECIAL[arch]);
    for (let number = 0; number < 470; number += 1) {
      if (!DENIED[arch].includes(number) && !special.includes(number))
        t.is(decide(arch, number), ALLOW, String(number));
    }
  });

  test(`${arch}: processes and threads may be made, namespaces may not`, (t) => {
    const { clone, clone3, unshare } = SPECIAL[arch];
    t.is(decide(arch, clone, [0x3d0f00]), ALLOW);
    t.is(decide(arch, clone, [0x11]), ALLOW);
    for (const flag of [0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000]) {
      t.is(decide(arch, clone, [flag | 0x11]), EPERM);
      t.is(decide(arch, unshare, [flag]), EPERM);
    }
    t.is(decide(arch, unshare, [0x200]), ALLOW);
    t.is(decide(arch, unshare, [0x80]), EPERM);
    t.is(decide(arch, clone3), 0x00050000 | 38);
  });

  test(`${arch}: sockets of the internet, of Unix and netlink only`, (t) => {
    const { socket } = SPECIAL[arch];
    for (const family of [1, 2, 10, 16]) t.is(decide(arch, socket, [family]), ALLOW);
    for (const family of [0, 3, 17, 31, 38, 40]) t.is(decide(arch, socket, [family]), 0x00050000 | 97);
  });

  test(`${arch}: no file leaves the project that it counts for`, (t) => {
    const { ioctl } = SPECIAL[arch];
    for (const request of [0x401c5820, 0x40086602, 0x40046602])
      t.is(decide(arch, ioctl, [3, request]), EPERM);
    // Reading them is harmless: FS_IOC_FSGETXATTR, FS_IOC_GETFLAGS.
    for (const request of [0x801c581f, 0x80086601]) t.is(decide(arch, ioctl, [3, request]), ALLOW);
    t.is(decide(arch, 469), EPERM);
  });

  test(`${arch}: nothing is typed into a terminal`, (t) => {
    const { ioctl } = SPECIAL[arch];
    t.is(decide(arch, ioctl, [0, 0x5401]), ALLOW);
    t.is(decide(arch, ioctl, [0, 0x5412]), EPERM);
    t.is(decide(arch, ioctl, [0, 0x541c]), EPERM);
  });

  test(`${arch}: calls of another architecture end the process`, (t) => {
    t.is(decide(arch, 0, [], 0x40000003), 0x80000000);
  });
}

test('x64: the second set of numbers is denied', (t) => {
  t.is(decide('x64', 0x40000000), EPERM);
  t.is(decide('x64', 0x40000000 + 101), EPERM);
});

test('the encoding is that of struct sock_filter', (t) => {
  t.is(
    encodeFilter([
      { code: 0x20, jt: 0, jf: 0, k: 4 },
      { code: 0x15, jt: 1, jf: 0, k: 0xc000003e },
      { code: 0x06, jt: 0, jf: 0, k: 0x80000000 },
      { code: 0x06, jt: 0, jf: 0, k: 0x00050001 },
    ]).toString('hex'),
    '2000000004000000' + '150001003e0000c0' + '0600000000000080' + '0600000001000500',
  );
  t.true(filterProgram('x64').length < 4096);
});

test('architectures without a table are told', (t) => {
  t.true(isFilterArch('arm64'));
  t.false(isFilterArch('riscv64'));
});
