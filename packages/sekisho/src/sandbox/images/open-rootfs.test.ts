import {
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { unmount } from '../../kernel/mounts.ts'
import type { RootfsSource } from '../../wire/sandbox.ts'
import { INIT } from '../layout.ts'
import { type Outcome, type TestSandbox, testSandbox } from '../testing/sandbox.ts'
import { mountLayers, openRootfs, type Rootfs, type RootfsParts } from './open-rootfs.ts'
import { type TestImages, testImages } from './testing/images.ts'

let sandbox: TestSandbox
let images: TestImages
let scratch: string
let parts: RootfsParts
const mounted: string[] = []
beforeAll(async () => {
  sandbox = await testSandbox()
  images = testImages()
  scratch = mkdtempSync(join(tmpdir(), 'sekisho-roots-'))
  for (const name of ['empty', 'skeletons']) mkdirSync(join(scratch, name), { mode: 0o755 })
  linkSync(join(sandbox.directory, 'rootfs', INIT), join(scratch, 'init'))
  parts = {
    hostSkeleton: join(sandbox.directory, 'rootfs'),
    empty: join(scratch, 'empty'),
    skeletons: {
      directory: join(scratch, 'skeletons'),
      init: join(scratch, 'init'),
      plant: (skeleton) => writeFileSync(join(skeleton, 'etc/shadow'), 'planted'),
    },
    state: images.directory,
    openImage: (image) => images.store.open(image),
  }
})
afterAll(() => {
  for (const path of mounted) unmount(path)
  sandbox.remove()
  images.remove()
  rmSync(scratch, { recursive: true })
})

/** Mounted where a session's user can go; the layers are where only root can. */
function mountRoot({ root }: Rootfs): string {
  const target = join(sandbox.directory, `root-${mounted.length}`)
  mkdirSync(target)
  mountLayers(root, target)
  mounted.push(target)
  return target
}

const inside = (root: string, script: string): Promise<Outcome> =>
  sandbox.run(['/bin/sh', '-c', script], {
    rootfs: root,
    usr: null,
    env: { PATH: '/bin' },
  })

async function openImage(layers: readonly string[], env: readonly string[] = []): Promise<Rootfs> {
  const { digest } = await images.import(images.layout(layers, env))
  return openRootfs({ kind: 'image', name: 'test', digest }, parts)
}

/** Everything that a hostile image puts where the platform's own things are to be. */
const HOSTILE = `
ln -s /proc/self/root/etc/resolv.conf etc/resolv.conf
ln -s / workspace
rmdir home; echo file > home
ln -s / tmp; ln -s /etc run; ln -s /bin dev; echo file > proc
mkdir -p .sekisho/session root/.ssh var/lib/sekisho etc/ssl/certs etc/pki/tls/certs
echo evil > .sekisho/session/machine-id; echo evil > .sekisho/other; echo evil > .sekisho/init
echo evil > root/.ssh/authorized_keys; echo evil > var/lib/sekisho/x; echo evil > etc/pki/tls/certs/x
echo evil > etc/ssl/certs/evil.pem; echo evil > etc/ssl/cert.pem; echo evil > etc/machine-id
echo evil > etc/hosts; echo evil > etc/shadow; echo kept > etc/kept
cp bin/busybox bin/su; chmod 4755 bin/su
mknod null c 1 3; mkfifo fifo
printf 'root:x:0:0::/root:/bin/sh\\nnode:x:1000:1000::/:/bin/sh\\nagent:x:0:0::/:/bin/sh\\nweb:x:33:33::/:/bin/sh\\n' > etc/passwd
printf 'root:x:0:\\nnode:x:1000:\\nweb:x:33:\\n' > etc/group
`
const LOOK = `
for d in /.sekisho /root /workspace /home /etc/ssl/certs/ /etc/pki/tls/certs; do echo "$d:" $(ls -A $d); done
cat /etc/resolv.conf /etc/hosts /etc/machine-id /etc/passwd /etc/group /etc/shadow /etc/kept
for l in /etc/resolv.conf /workspace /tmp /run /dev; do test -L $l && echo link $l; done
ls /var/lib/sekisho
stat -c '%n %F %a' /bin/su /proc /tmp /run /home /etc /home/agent
grep -c . /proc/self/mountinfo > /tmp/n && echo written
id
`
const SEEN = [
  [
    '/.sekisho: init session',
    '/root:',
    '/workspace:',
    '/home: agent',
    '/etc/ssl/certs/: ca-certificates.crt java',
  ],
].flat()

test.for(['directory', 'image'] as const)(
  'nothing of a hostile %s shows where the platform has its own',
  async (kind) => {
    const root = images.root(HOSTILE)
    const source: RootfsSource =
      kind === 'directory'
        ? { kind, path: root }
        : { kind, name: 'test', digest: (await images.import(images.layout([root]))).digest }
    const done = await inside(
      mountRoot(await openRootfs(source, { ...parts, state: scratch })),
      LOOK,
    )
    expect(done.stderr).toBe('')
    expect(done.stdout).not.toContain('evil')
    const lines = done.stdout.split('\n')
    expect(lines.slice(0, 5)).toEqual(SEEN)
    expect(lines).toEqual(
      expect.arrayContaining([
        '/etc/pki/tls/certs: ca-bundle.crt',
        'nameserver 198.19.255.1',
        '127.0.0.1 localhost sekisho',
        'root:x:0:0::/root:/bin/sh',
        'web:x:33:33::/:/bin/sh',
        'agent:x:1000:1000:agent:/home/agent:/bin/sh',
        'agent:x:1000:',
        'web:x:33:',
        'plantedkept',
        '/tmp directory 1777',
        '/run directory 755',
        '/home directory 755',
        'written',
        'uid=1000(agent) gid=1000(agent)',
      ]),
    )
    expect(done.stdout).not.toContain('node:')
    expect(done.stdout).not.toContain('agent:x:0')
    expect(done.stdout).not.toContain('link')
  },
)

test('set-user-id programs, devices and FIFOs of a directory do nothing inside', async () => {
  const root = images.root(HOSTILE)
  const opened = await openRootfs({ kind: 'directory', path: root }, { ...parts, state: scratch })
  const done = await inside(
    mountRoot(opened),
    'su -c id; grep -c . /null; cat /null; echo x > /null; echo x > /etc/x; echo x > /x; id',
  )
  expect(done.stdout.match(/uid=\S+/g)).toEqual(['uid=1000(agent)'])
  expect(done.stderr).toContain('su: must be suid to work properly')
  expect(done.stderr).toContain("can't open '/null': Permission denied")
  expect(done.stderr.match(/Read-only file system/g)).toHaveLength(2)
})

test('an image lies in the store as root’s, without special files, and as agent may read it', async () => {
  const root = images.root(`
    cp bin/busybox bin/su; chmod 6755 bin/su
    mknod null c 1 3; mkfifo fifo
    mkdir -m 700 home/node; echo mine > home/node/f; chmod 600 home/node/f
    chown -R 1000:1000 home/node
    echo group > etc/g; chown 0:1000 etc/g; chmod 640 etc/g
    echo secret > etc/s; chmod 600 etc/s
    echo other > etc/o; chown 70903:1879049192 etc/o; chmod 666 etc/o
    ln etc/o etc/hard
    ln -s /etc/shadow etc/link; chown -h 1000:1000 etc/link`)
  const { digest, leftOut } = await images.import(images.layout([root]))
  expect(leftOut).toEqual(['/fifo'])
  const { tree } = await images.store.open({ name: 'test', digest })
  expect(lstatSync(join(tree, 'fifo'), { throwIfNoEntry: false })).toBe(undefined)
  const at = (path: string): string => {
    const { uid, gid, mode } = lstatSync(join(tree, path))
    return `${path} ${uid}:${gid} ${(mode & 0o177777).toString(8)}`
  }
  const paths = [
    '',
    'bin/su',
    'null',
    'home/node',
    'home/node/f',
    'etc/g',
    'etc/s',
    'etc/o',
    'etc/hard',
  ]
  expect(paths.map(at)).toEqual([
    ' 0:0 40755',
    'bin/su 0:0 100755',
    'null 0:0 100644',
    'home/node 0:0 40755',
    'home/node/f 0:0 100644',
    'etc/g 0:0 100644',
    'etc/s 0:0 100600',
    'etc/o 0:0 100644',
    'etc/hard 0:0 100644',
  ])
  expect([at('etc/link'), lstatSync(join(tree, 'etc/hard')).nlink]).toEqual([
    'etc/link 0:0 120777',
    2,
  ])
  expect(statSync(images.store.directory).mode & 0o777).toBe(0o700)
})

test('two sessions at once read the same files of one image; nothing is copied', async () => {
  const opened = await openImage([images.root('echo shared > etc/shared')])
  const roots = [mountRoot(opened), mountRoot(opened)]
  const ask = (root: string): Promise<Outcome> =>
    inside(root, 'stat -c %i /etc/shared /bin/busybox')
  const seen = await Promise.all(roots.map(ask))
  const [, tree = ''] = opened.root
  const inodes = ['etc/shared', 'bin/busybox'].map((path) => `${statSync(join(tree, path)).ino}\n`)
  expect(seen.map(({ stdout }) => stdout)).toEqual([inodes.join(''), inodes.join('')])
  const [first, second] = roots.map((root) => statSync(root).dev)
  expect(first).not.toBe(second) // each a file system of its own, so that its execs are told apart
})

test('the skeleton is made once for equal roots, and anew where accounts differ', async () => {
  const first = await openImage([images.root()])
  const same = await openImage([images.root('echo other > etc/other')])
  const other = await openImage([images.root('echo web:x:33:33::/:/bin/sh > etc/passwd')])
  expect(same.root[0]).toBe(first.root[0])
  expect(same.root[1]).not.toBe(first.root[1])
  expect(other.root[0]).not.toBe(first.root[0])
})

test('an image’s own variables come along, and none that is the platform’s', async () => {
  const env = [
    'PATH=/opt/x:/bin',
    'LANG=de_DE.UTF-8',
    'SEKISHO_SESSION=s',
    'a.b=c',
    '__proto__=x',
    'A=b',
  ]
  env.push('HOME=/', 'SHELL=/x', 'SSL_CERT_FILE=/x', 'TERM=x')
  const root = images.root()
  const { digest, leftOut } = await images.import(images.layout([root], env))
  const { environment } = await openRootfs({ kind: 'image', name: 'test', digest }, parts)
  expect(leftOut).toEqual(['variable SEKISHO_SESSION', 'variable a.b', 'variable __proto__'])
  expect(Object.entries(environment).toSorted((a, b) => (a[0] < b[0] ? -1 : 1))).toEqual([
    ['A', 'b'],
    ['LANG', 'de_DE.UTF-8'],
    ['PATH', '/opt/x:/bin'],
    ['SHELL', '/bin/sh'],
  ])
})

test('glibc gets a name service switch, a JDK the session’s trust store, and bash is the shell', async () => {
  const java = 'usr/lib/jvm/java-17/lib/security'
  const root = images.root(`
    mkdir lib64; cp bin/busybox lib64/ld-linux-x86-64.so.2; cp bin/busybox bin/bash
    mkdir -p ${java}; echo jdk > ${java}/cacerts; ln -s java-17 usr/lib/jvm/default`)
  const opened = await openImage([root])
  const done = await inside(
    mountRoot(opened),
    'cat /etc/nsswitch.conf; readlink /usr/lib/jvm/default /usr/lib/jvm/java-17/lib/security/cacerts || readlink /usr/lib/jvm/java-17/lib/security/cacerts; readlink /usr/lib/jvm/default',
  )
  expect(done.stdout).toContain('hosts: files dns\n')
  expect(done.stdout).toContain('/.sekisho/session/certs/java/cacerts\njava-17\n')
  expect(opened.environment).toEqual({ SHELL: '/bin/bash' })
  const plain = await inside(mountRoot(await openImage([images.root()])), 'ls /etc/nsswitch.conf')
  expect(plain.code).toBe(1)
})

test('the host’s toolchain is the shared skeleton as it is, and an overlay of /usr', async () => {
  expect(await openRootfs({ kind: 'host' }, parts)).toEqual({
    root: [parts.hostSkeleton],
    usr: ['/usr', parts.empty],
    digest: null,
    environment: {},
  })
})

/** A distribution with a merged /usr and glibc, as Debian has it: links, loader, libraries. */
const DEBIAN_LIKE = `
rm -r bin; for d in bin lib lib64 sbin; do mkdir -p usr/$d; ln -s usr/$d $d; done
for f in dash bash id getent cat ls; do
  cp -L /usr/bin/$f usr/bin/
  for l in $(ldd /usr/bin/$f | grep -o '/lib[^ ]*'); do mkdir -p usr/\${l%/*}; cp -L $l usr/$l; done
done
ln -s dash usr/bin/sh; mkdir -p etc/ssl/certs etc/ssl/private; echo evil > etc/ssl/certs/ca-certificates.crt
echo 'ID=test' > usr/lib/os-release; ln -s ../usr/lib/os-release etc/os-release
echo 'hosts: nis mymachines' > etc/nsswitch.conf; echo www:x:33:33::/:/bin/sh > etc/passwd
`

test('an image like Debian’s runs its own programs, with the platform’s names and certificates', async () => {
  const opened = await openImage([images.root(DEBIAN_LIKE)])
  const done = await inside(
    mountRoot(opened),
    'cat /etc/os-release; id; getent passwd 33 1000; getent hosts sekisho; ls /etc/ssl /etc/ssl/certs/',
  )
  expect([done.stderr, done.stdout.split('\n')]).toEqual([
    '',
    [
      'ID=test',
      'uid=1000(agent) gid=1000(agent) groups=1000(agent)',
      'www:x:33:33::/:/bin/sh',
      'agent:x:1000:1000:agent:/home/agent:/bin/bash',
      '127.0.0.1       localhost sekisho',
      '/etc/ssl:',
      'ca-bundle.pem',
      'cert.pem',
      'certs',
      'private',
      '',
      '/etc/ssl/certs/:',
      'ca-certificates.crt',
      'java',
      '',
    ],
  ])
})
