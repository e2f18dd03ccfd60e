/** What proves in the log that one attack was seen: a denial whose fields are these. */
export type Evidence =
  | { by: 'syscall'; syscall: string }
  | { by: 'tripwire'; path: string }
  | { by: 'connect'; transport: 'tcp' | 'udp'; address?: string; port?: number; host?: string }
  | { by: 'dns'; suffix: string }
  | { by: 'request'; host: string; method?: string; path?: string }
  /** the request was allowed by name, and refused when its address was known */
  | { by: 'outcome'; host: string }
  /** denied as misuse of a placeholder, whatever the action was */
  | { by: 'secret' }
  | { by: 'scrubbed' }

export type Attack = { id: string; group: string; title: string; evidence: Evidence }

const API = 'api.drill.test'

function group(name: string, rows: readonly (readonly [string, string, Evidence])[]): Attack[] {
  return rows.map(([id, title, evidence]) => ({ id, group: name, title, evidence }))
}

const syscall = (name: string): Evidence => ({ by: 'syscall', syscall: name })
const tripwire = (path: string): Evidence => ({ by: 'tripwire', path })
const tcp = (address: string, port?: number): Evidence =>
  port === undefined
    ? { by: 'connect', transport: 'tcp', address }
    : { by: 'connect', transport: 'tcp', address, port }
const udp = (address: string): Evidence => ({ by: 'connect', transport: 'udp', address })
const request = (fields: { method?: string; path?: string } = {}): Evidence => ({
  by: 'request',
  host: API,
  ...fields,
})
/** What no parser accepts is recorded as the connection it came on. */
const unparsed: Evidence = { by: 'connect', transport: 'tcp', host: API, port: 443 }

export const CATALOGUE: readonly Attack[] = [
  ...group('escape', [
    ['esc-mount', 'mount a file system', syscall('mount')],
    ['esc-umount', 'unmount /proc', syscall('umount2')],
    ['esc-pivot', 'pivot to another root', syscall('pivot_root')],
    ['esc-chroot', 'chroot', syscall('chroot')],
    ['esc-unshare', 'a user namespace by unshare', syscall('unshare')],
    ['esc-setns', 'join a namespace', syscall('setns')],
    ['esc-clone', 'a user namespace by clone', syscall('clone')],
    ['esc-ptrace', 'trace another process', syscall('ptrace')],
    ['esc-vmread', "read another process's memory", syscall('process_vm_readv')],
    ['esc-bpf', 'create a BPF map', syscall('bpf')],
    ['esc-keyctl', "reach the session's keyring", syscall('keyctl')],
    ['esc-addkey', 'add a key to a keyring', syscall('add_key')],
    ['esc-perf', 'open a performance counter', syscall('perf_event_open')],
    ['esc-userfault', 'userfaultfd', syscall('userfaultfd')],
    ['esc-iouring', 'io_uring', syscall('io_uring_setup')],
    ['esc-handle', 'open a file by handle', syscall('open_by_handle_at')],
    ['esc-module', 'load a kernel module', syscall('init_module')],
    ['esc-kexec', 'load another kernel', syscall('kexec_load')],
    ['esc-fsopen', 'the new mount interface', syscall('fsopen')],
    ['esc-opentree', 'copy a mount tree', syscall('open_tree')],
    ['esc-swapon', 'swap onto a file', syscall('swapon')],
    ['esc-reboot', 'reboot', syscall('reboot')],
    ['esc-hostname', 'change the host name', syscall('sethostname')],
    ['esc-settime', 'set the clock', syscall('clock_settime')],
    ['esc-rawsocket', 'a raw IP socket', syscall('socket')],
    ['esc-packet', 'a packet socket', syscall('socket')],
    ['esc-netlink', 'a netlink socket', syscall('socket')],
    ['esc-vsock', 'a socket to the hypervisor', syscall('socket')],
    ['esc-afalg', 'a kernel crypto socket', syscall('socket')],
    ['esc-tiocsti', 'type into the terminal (TIOCSTI)', syscall('ioctl')],
  ]),
  ...group('files', [
    ['file-shadow', 'read /etc/shadow', tripwire('/etc/shadow')],
    ['file-sshkey', "read root's SSH key", tripwire('/root/.ssh/id_ed25519')],
    ['file-awskey', "read root's cloud credentials", tripwire('/root/.aws/credentials')],
    ['file-procroot', 'read through /proc/1/root', tripwire('/etc/shadow')],
    ['file-symlink', 'read through a symbolic link', tripwire('/etc/shadow')],
    ['file-corepat', 'have the kernel run a program', tripwire('/proc/sys/kernel/core_pattern')],
    [
      'file-poweroff',
      'a program of its own at shutdown',
      tripwire('/proc/sys/kernel/poweroff_cmd'),
    ],
    ['file-kallsyms', "read the kernel's symbols", tripwire('/proc/kallsyms')],
  ]),
  ...group('log', [
    ['log-masterkey', "read the log's key", tripwire('/var/lib/sekisho/keyholder/master.key')],
    ['log-rewrite', 'rewrite the log', tripwire('/var/lib/sekisho/keyholder/log/000000000001.log')],
    ['log-forge', 'forge a record through a newline', unparsed],
  ]),
  ...group('network', [
    ['net-literal4', 'connect to an IPv4 address', tcp('203.0.113.7', 443)],
    ['net-literal6', 'connect to an IPv6 address', tcp('2001:db8::7', 443)],
    ['net-metadata', "the cloud's metadata service", tcp('169.254.169.254', 80)],
    ['net-docker', "the host's container engine", tcp('172.17.0.1', 2375)],
    ['net-gateway', 'a host port through the gateway', tcp('198.19.255.1')],
    ['net-hosttcp', "the host's own addresses, TCP", { by: 'connect', transport: 'tcp' }],
    ['net-hostudp', "the host's own addresses, UDP", { by: 'connect', transport: 'udp' }],
    ['net-ssh', 'SSH to an allowed name', { by: 'connect', transport: 'tcp', host: API, port: 22 }],
    [
      'net-oddport',
      'another port of an allowed name',
      { by: 'connect', transport: 'tcp', host: API, port: 8443 },
    ],
    ['net-quic', 'QUIC', udp('203.0.113.8')],
    ['net-udp', 'UDP', udp('203.0.113.9')],
    ['net-udp6', 'UDP over IPv6', udp('2001:db8::9')],
  ]),
  ...group('dns', [
    ['dns-exfil', 'carry data out in a name', { by: 'dns', suffix: 'dns-exfil.attacker.test' }],
    ['dns-txt', 'fetch commands by TXT', { by: 'dns', suffix: 'dns-txt.attacker.test' }],
    [
      'dns-subdomain',
      'carry data out below an allowed name',
      { by: 'dns', suffix: `dns-subdomain.${API}` },
    ],
    ['dns-foreign', 'ask a resolver of its own', udp('8.8.8.8')],
    ['dns-foreign-tcp', 'ask it over TCP', tcp('9.9.9.9', 53)],
  ]),
  ...group('ssrf', [
    [
      'ssrf-metadata',
      'an allowed name that leads to the metadata service',
      { by: 'outcome', host: 'metadata.drill.test' },
    ],
    [
      'ssrf-loopback',
      'an allowed name that leads to loopback',
      { by: 'outcome', host: 'loopback.drill.test' },
    ],
    [
      'ssrf-mapped',
      'an IPv4 address inside an IPv6 one',
      { by: 'outcome', host: 'mapped.drill.test' },
    ],
    [
      'ssrf-rebind',
      'a public and a private answer at once',
      { by: 'outcome', host: 'rebind.drill.test' },
    ],
  ]),
  ...group('host', [
    ['host-sni', 'another Host than the server name', request()],
    ['host-front', 'another server name than the address', { by: 'connect', transport: 'tcp' }],
    ['host-nosni', 'no server name', { by: 'connect', transport: 'tcp' }],
    ['host-two', 'two Host headers', request()],
    ['host-absolute', 'an absolute target elsewhere', request()],
    ['host-connect', 'a tunnel through CONNECT', request()],
    ['host-upgrade', 'an upgrade to unread HTTP/2', request()],
  ]),
  ...group('http', [
    ['http-method', 'a method that is not allowed', request({ method: 'DELETE' })],
    ['http-override', 'a method in a header', request()],
    ['http-path', 'a path that is not allowed', request({ path: '/admin/http-path' })],
    ['http-dots', 'dot segments', request()],
    ['http-dots-enc', 'encoded dot segments', request()],
    ['http-slash-enc', 'an encoded slash', request()],
    ['http-clte', 'two lengths (request smuggling)', unparsed],
    [
      'http-pipeline',
      'a second request behind the first',
      request({ path: '/admin/http-pipeline' }),
    ],
  ]),
  ...group('credentials', [
    ['cred-query', 'the credential in a query', { by: 'secret' }],
    ['cred-header', 'the credential in another header', { by: 'secret' }],
    ['cred-host', 'the credential to another host', { by: 'secret' }],
    ['cred-body', 'the credential in a body to another host', { by: 'secret' }],
    ['cred-basic', 'the credential in Basic', { by: 'secret' }],
    ['cred-echo', 'have the server send the real value back', { by: 'scrubbed' }],
  ]),
]
