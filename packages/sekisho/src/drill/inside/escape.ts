import { openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import type { Attempt, Run } from './attempt.ts'
import { type Argument, syscall } from './syscalls.ts'

/** A system call that must not work: any answer but an error is an escape. */
const forbidden =
  (nr: number, ...args: Argument[]): Run =>
  () => {
    const { value, errno } = syscall(nr, ...args)
    return { succeeded: value >= 0, detail: value >= 0 ? `returned ${value}` : `errno ${errno}` }
  }

const reads =
  (path: string): Run =>
  () =>
    attempted(() => `read ${readFileSync(path).length} bytes`)

const writes =
  (path: string, text: string): Run =>
  () =>
    attempted(() => {
      writeFileSync(path, text)
      return 'written'
    })

function attempted(act: () => string): Attempt {
  try {
    return { succeeded: true, detail: act() }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    return { succeeded: false, detail: code }
  }
}

const CLONE_NEWUSER = 0x1000_0000
const CLONE_NEWNS = 0x2_0000
const AF = { packet: 17, netlink: 16, vsock: 40, inet: 2, alg: 38 } as const
const SOCK = { stream: 1, dgram: 2, raw: 3 } as const

/** Numbers: x86-64, `asm/unistd_64.h`. */
export const escapes: Readonly<Record<string, Run>> = {
  'esc-mount': forbidden(165, 'tmpfs', '/tmp', 'tmpfs', 0, 0),
  'esc-umount': forbidden(166, '/proc', 2),
  'esc-pivot': forbidden(155, '/tmp', '/tmp'),
  'esc-chroot': forbidden(161, '/tmp'),
  'esc-unshare': forbidden(272, CLONE_NEWUSER | CLONE_NEWNS),
  'esc-setns': (id, target) => forbidden(308, openSync('/proc/self/ns/mnt', 'r'), 0)(id, target),
  'esc-clone': forbidden(56, CLONE_NEWUSER | 17, 0, 0, 0, 0),
  'esc-ptrace': forbidden(101, 16, process.ppid, 0, 0),
  'esc-vmread': forbidden(310, process.ppid, Buffer.alloc(16), 1, Buffer.alloc(16), 1, 0),
  'esc-bpf': forbidden(321, 0, Buffer.alloc(128), 128),
  'esc-keyctl': forbidden(250, 0, -3, 1),
  'esc-addkey': forbidden(248, 'user', 'drill', 'x', 1, -3),
  'esc-perf': forbidden(298, Buffer.alloc(120), 0, -1, -1, 0),
  'esc-userfault': forbidden(323, 0),
  'esc-iouring': forbidden(425, 8, Buffer.alloc(120)),
  'esc-handle': forbidden(304, -100, Buffer.alloc(128), 0),
  'esc-module': forbidden(175, Buffer.alloc(64), 64, ''),
  'esc-kexec': forbidden(246, 0, 0, 0, 0),
  'esc-fsopen': forbidden(430, 'tmpfs', 0),
  'esc-opentree': forbidden(428, -100, '/', 1),
  'esc-swapon': forbidden(167, '/tmp/swap', 0),
  'esc-reboot': forbidden(169, 0xfee1dead, 672274793, 0x89abcdef, 0),
  'esc-hostname': forbidden(170, 'owned', 5),
  'esc-settime': forbidden(227, 0, Buffer.alloc(16)),
  'esc-rawsocket': forbidden(41, AF.inet, SOCK.raw, 1),
  'esc-packet': forbidden(41, AF.packet, SOCK.raw, 768),
  'esc-netlink': forbidden(41, AF.netlink, SOCK.raw, 12),
  'esc-vsock': forbidden(41, AF.vsock, SOCK.stream, 0),
  'esc-afalg': forbidden(41, AF.alg, 5, 0),
  'esc-tiocsti': forbidden(16, 0, 0x5412, 'x'),
  'file-shadow': reads('/etc/shadow'),
  'file-sshkey': reads('/root/.ssh/id_ed25519'),
  'file-awskey': reads('/root/.aws/credentials'),
  'file-procroot': reads('/proc/1/root/etc/shadow'),
  'file-symlink': (id, target) => {
    rmSync('/workspace/innocent', { force: true })
    symlinkSync('/etc/shadow', '/workspace/innocent')
    return reads('/workspace/innocent')(id, target)
  },
  'file-corepat': writes('/proc/sys/kernel/core_pattern', '|/workspace/escape'),
  'file-poweroff': writes('/proc/sys/kernel/poweroff_cmd', '/workspace/escape'),
  'file-kallsyms': reads('/proc/kallsyms'),
  'log-masterkey': reads('/var/lib/sekisho/keyholder/master.key'),
  'log-rewrite': writes('/var/lib/sekisho/keyholder/log/000000000001.log', 'forged'),
}
