import type { ExecRule, ExecView } from './rule.ts'

/** Rules that know a program by its name. */
function named(names: string): (view: ExecView) => boolean {
  const known: ReadonlySet<string> = new Set(names.split(' '))
  return ({ program, isInterpreter }) => !isInterpreter && known.has(program)
}

const isScheduler = named('at batch atd cron crond anacron launchctl update-rc.d chkconfig')
const isServiceTool = named('systemctl service rc-service loginctl')
const isContainerTool = named(
  'docker podman nerdctl ctr crictl buildah crun runc runsc lxc lxc-start machinectl ' +
    'systemd-nspawn bwrap firejail unshare chroot pivot_root',
)
const CHANGES_SERVICES = /^(?:enable|start|restart|daemon-reload|link|edit|mask|set-property)$/
/** The set-user-id bit, by letters or as the first of four digits. */
const SETUID_MODE = /^(?:[ugoa]*[+=][rwxXt]*s[rwxXst]*|0?[4567][0-7]{3})$/
const WHOLE_HOST = /^(?:\/|\/etc|\/root|\/var\/run\/docker\.sock|\/run\/docker\.sock|\/proc):/

export const TOOL_RULES: readonly ExecRule[] = [
  {
    name: 'debugger',
    severity: 'medium',
    reason: 'a tracer reads and changes other processes',
    matches: named(
      'strace ltrace gdb gdbserver lldb lldb-server perf rr bpftrace sysdig pstack gcore',
    ),
  },
  {
    name: 'persistence',
    severity: 'high',
    reason: 'something is to run again when nobody asks for it',
    matches: ({ program, args }) =>
      (program === 'crontab' && !args.includes('-l')) ||
      program === 'systemd-run' ||
      (isServiceNamed(program) && args.includes('enable')),
  },
  {
    name: 'scheduler',
    severity: 'medium',
    reason: 'programs that are started later, or behind the session’s back',
    matches: (view) =>
      isScheduler(view) ||
      (view.program === 'crontab' && view.args.includes('-l')) ||
      (isServiceTool(view) &&
        !view.args.includes('enable') &&
        view.args.some((arg) => CHANGES_SERVICES.test(arg))),
  },
  {
    name: 'kernel-tool',
    severity: 'high',
    reason: 'loads code into the kernel, or changes how it works',
    matches: named('insmod modprobe rmmod kexec bpftool kpatch livepatch'),
  },
  {
    name: 'device-tool',
    severity: 'medium',
    reason: 'makes devices or file systems, or sets what the kernel does',
    matches: (view) =>
      named('losetup mount umount fusermount fusermount3 swapon debugfs dmsetup cryptsetup')(
        view,
      ) ||
      (view.program === 'mknod' && view.args.some((arg) => /^[bcu]$/.test(arg))) ||
      (view.program === 'sysctl' && view.args.some((arg) => arg === '-w' || /^[\w.]+=/.test(arg))),
  },
  {
    name: 'namespace-entry',
    severity: 'high',
    reason: 'enters what another process lives in',
    matches: (view) => view.program === 'nsenter' || startsOpenContainer(view),
  },
  {
    name: 'container-tool',
    severity: 'medium',
    reason: 'a sandbox in the sandbox, or a way around it where a socket was left open',
    matches: (view) => isContainerTool(view) && !startsOpenContainer(view),
  },
  {
    name: 'setuid-bit',
    severity: 'high',
    reason: 'makes a program that has more rights than who starts it',
    matches: ({ program, args }) =>
      program === 'setcap' ||
      (program === 'chmod' && args.some((arg) => SETUID_MODE.test(arg))) ||
      (program === 'install' &&
        args.some((arg, i) => args[i - 1] === '-m' && SETUID_MODE.test(arg))),
  },
  {
    name: 'privilege-tool',
    severity: 'medium',
    reason: 'asks for rights that a session has not',
    matches: named(
      'sudo su doas pkexec sg newgrp runuser setpriv chsh chfn gpasswd passwd usermod useradd visudo',
    ),
  },
  {
    name: 'file-attributes',
    severity: 'medium',
    reason: 'makes files that cannot be changed or removed, or takes that from others',
    matches: ({ program, args }) =>
      program === 'chattr' && args.some((arg) => /^[-+=][a-zA-Z]*[aiu]/.test(arg)),
  },
  {
    name: 'scanner',
    severity: 'medium',
    reason: 'looks for machines and passwords that are somebody else’s',
    matches: named(
      'nmap masscan zmap rustscan hydra medusa sqlmap nikto gobuster ffuf hashcat john responder',
    ),
  },
  {
    name: 'tunnel',
    severity: 'medium',
    reason: 'carries other connections inside one that is allowed',
    matches: named(
      'chisel ngrok frpc cloudflared gost revsocks ligolo-agent iodine dnscat dnscat2 autossh tor proxychains proxychains4',
    ),
  },
]

function isServiceNamed(program: string): boolean {
  return program === 'systemctl' || program === 'rc-update' || program === 'launchctl'
}

function startsOpenContainer(view: ExecView): boolean {
  const { args } = view
  if (!isContainerTool(view)) return false
  return args.some(
    (arg, i) =>
      /^--(?:privileged|pid=host|ipc=host|userns=host)$/.test(arg) ||
      (['-v', '--volume', '--mount'].includes(args[i - 1] ?? '') && WHOLE_HOST.test(arg)) ||
      /^--volume=(?:\/|\/etc|\/root):/.test(arg),
  )
}
