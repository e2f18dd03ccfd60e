import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ended, type Instance, openInstance, run, startRun } from './instance.ts'

const CA = '/etc/ssl/certs/ca-certificates.crt'
let instance: Instance
beforeAll(async () => {
  const small = { memory: '64MiB', pids: 32, openFiles: 64, tmp: '1MiB', cpus: 1 }
  instance = await openInstance({
    agents: {
      small: { version: 1, name: 'small', limits: small },
      mounted: {
        version: 1,
        name: 'mounted',
        mounts: [{ source: '/usr/share/doc', target: '/opt/docs' }],
        environment: { COLOUR: 'blue' },
      },
    },
  })
})
afterAll(async () => instance?.close())

const sh = async (script: string, flags: readonly string[] = []): Promise<Ended> =>
  run(instance, ['sh', '-c', script], { flags })
const lines = (end: Ended): string[] => end.stdout.split('\n').filter((line) => line !== '')

describe('what a session is given', () => {
  test('three descriptors, all of them pipes of its own', async () => {
    const names = lines(await sh('sleep 600 & exec ls /proc/$!/fd'))
    const kinds = lines(await sh('exec stat -Lc %F /dev/stdin /dev/stdout /dev/stderr'))
    expect({ names, kinds }).toEqual({ names: ['0', '1', '2'], kinds: ['fifo', 'fifo', 'fifo'] })
  })

  test('an environment that holds these variables and no other', async () => {
    const end = await run(instance, ['env', '-0'], { flags: ['--agent', 'mounted'] })
    const found = Object.fromEntries(
      end.stdout
        .split('\0')
        .flatMap((pair) => (pair === '' ? [] : [pair.split(/=(.*)/s).slice(0, 2)])),
    )
    const trusting = [
      'SSL_CERT_FILE NODE_EXTRA_CA_CERTS REQUESTS_CA_BUNDLE CURL_CA_BUNDLE GIT_SSL_CAINFO PIP_CERT',
      'AWS_CA_BUNDLE CARGO_HTTP_CAINFO DENO_CERT GRPC_DEFAULT_SSL_ROOTS_FILE_PATH NIX_SSL_CERT_FILE npm_config_cafile',
    ]
    expect(found).toEqual({
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/home/agent',
      USER: 'agent',
      LOGNAME: 'agent',
      SHELL: '/bin/bash',
      LANG: 'C.UTF-8',
      TMPDIR: '/tmp',
      SSL_CERT_DIR: '/etc/ssl/certs',
      ...Object.fromEntries(
        trusting
          .join(' ')
          .split(' ')
          .map((name) => [name, CA]),
      ),
      COLOUR: 'blue',
      SEKISHO_SESSION: found['SEKISHO_SESSION'],
    })
    expect(found['SEKISHO_SESSION']).toMatch(/^s-[0-9a-z]{20}$/)
  })

  test('no privilege: ids, capabilities, filter, and no way to more', async () => {
    const status = lines(
      await sh("grep -E '^(Uid|Gid|Groups|Cap|NoNew|Seccomp:)' /proc/self/status"),
    )
    const none = '0000000000000000'
    expect(status.map((line) => line.trim().split(/\s+/))).toEqual([
      ['Uid:', '1000', '1000', '1000', '1000'],
      ['Gid:', '1000', '1000', '1000', '1000'],
      ['Groups:'],
      ...['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'].map((name) => [`Cap${name}:`, none]),
      ['NoNewPrivs:', '1'],
      ['Seccomp:', '2'],
    ])
  })

  test('a view of its own processes alone', async () => {
    const pids = lines(
      await sh('cd /proc; for p in [0-9]*; do echo "$(cat $p/comm)"; done; sleep 0'),
    )
    expect(pids.filter((name) => !['init', 'sh', 'cat'].includes(name))).toEqual([])
    const inits = lines(await sh("tr '\\0' ' ' < /proc/1/cmdline"))
    expect(inits[0]).toMatch(/^\/\.sekisho\/init /)
  })

  test('a host name, addresses and routes that say nothing of the host', async () => {
    const script =
      'hostname; cat /proc/sys/kernel/hostname; ip -o addr | awk "{print \\$2, \\$4}"; ip route; ip -6 route show default'
    expect(lines(await sh(script)).map((line) => line.trim())).toEqual([
      'sekisho',
      'sekisho',
      'lo 127.0.0.1/8',
      'lo ::1/128',
      'eth0 198.19.255.2/30',
      'eth0 fd53:656b:6973:686f::2/64',
      'default via 198.19.255.1 dev eth0 proto static',
      '198.19.255.0/30 dev eth0 proto kernel scope link src 198.19.255.2',
      expect.stringMatching(/^default via fd53:656b:6973:686f::1 dev eth0/),
    ])
  })
})

describe('the file system inside', () => {
  test('of the host there is /usr, what the agent file names, and nothing else', async () => {
    const end = await sh('cat /proc/self/mountinfo', ['--agent', 'mounted'])
    const disks = lines(end)
      .map((line) => line.split(' '))
      .filter(
        (fields) =>
          !['tmpfs', 'proc', 'devpts', 'devtmpfs'].includes(fields[fields.indexOf('-') + 1] ?? ''),
      )
    const shown = disks.map((fields) => ({ at: fields[4], options: fields[5]?.split(',') }))
    const places = new Set(shown.map(({ at }) => at))
    expect(places).toEqual(new Set(['/opt/docs', '/usr', '/workspace']))
    for (const { at, options } of shown) {
      expect(options).toEqual(expect.arrayContaining(['nosuid', 'nodev']))
      expect([at, options?.includes('ro')]).toEqual([at, at !== '/workspace'])
    }
    const devices = lines(await sh('ls /dev'))
    expect(
      devices.filter((name) => /^(sd|vd|nvme|mem|kmem|kmsg|kvm|fuse|loop|mapper|disk)/.test(name)),
    ).toEqual([])
  })

  test('the host’s own directories are empty, but for tripwires', async () => {
    const script =
      'find /home /root /var /srv /opt /mnt /media /boot /run -mindepth 1 2>/dev/null | sort; true'
    const found = lines(await sh(script)).filter((path) => !TRIPWIRE.test(path))
    const others = found.filter((path) => !path.startsWith('/home/agent/'))
    expect(others).toEqual(['/home/agent', '/var/lib', '/var/run', '/var/tmp'])
  })
  const TRIPWIRE = /^\/root\/\.(ssh|aws|kube|docker)(\/|$)|^\/var\/lib\/sekisho(\/|$)/

  test('no socket of anybody is in reach', async () => {
    const script =
      'find / -xdev -type s 2>/dev/null; find /run /tmp /dev /var -type s 2>/dev/null; wc -l < /proc/net/unix'
    expect(lines(await sh(script))).toEqual(['1'])
  })

  test('what is not the session’s cannot be written', async () => {
    const targets =
      '/usr/x /etc/x /x /root/x /opt/x /var/lib/x /proc/sys/kernel/hostname /.sekisho/x /dev/x'
    const script = `for path in ${targets}; do (echo x > $path) 2>/dev/null && echo "$path"; done; true`
    expect(lines(await sh(script))).toEqual([])
  })
})

describe('the workspace', () => {
  /** Every file with content, owner, mode and times. */
  function picture(directory: string): unknown[] {
    return readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .toSorted()
      .map((name) => {
        const path = join(directory, name)
        const { uid, gid, mode, mtimeMs, size, nlink } = lstatSync(path)
        const isFile = lstatSync(path).isFile()
        const digest = isFile ? createHash('sha256').update(readFileSync(path)).digest('hex') : null
        return { name, uid, gid, mode, mtimeMs, size, nlink, digest }
      })
  }

  function makeWorkspace(name: string): string {
    const workspace = join(instance.directory, name)
    mkdirSync(join(workspace, 'src/deep'), { recursive: true })
    for (const path of ['README', 'src/a', 'src/b', 'src/deep/c']) {
      writeFileSync(join(workspace, path), `${path}\n`)
      chownSync(join(workspace, path), 4242, 4343)
    }
    for (const path of ['', 'src', 'src/deep']) chownSync(join(workspace, path), 4242, 4343)
    chmodSync(join(workspace, 'src/b'), 0o600)
    symlinkSync('src/a', join(workspace, 'link'))
    lchownSync(join(workspace, 'link'), 4242, 4343)
    return workspace
  }

  test('the user’s files stay byte- and owner-identical, whatever is done inside', async () => {
    const workspace = makeWorkspace('edited')
    const before = picture(workspace)
    const script = `set -e
      echo more >> README; cat src/b > copy; rm src/a; chmod 777 src/b; mv src/deep/c moved
      rmdir src/deep; ln -sf /etc/passwd link; mkdir new; echo x > new/file; touch -d 2001-01-01 README
      truncate -s 0 src/b; ls -ln README | cut -d' ' -f3,4; cat README moved copy`
    const { code, stdout, stderr } = await sh(script, ['--workspace', workspace])
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stderr: '',
      stdout: '1000 1000\nREADME\nmore\nsrc/deep/c\nsrc/b\n',
    })
    expect(picture(workspace)).toEqual(before)
  })

  test('a file of another owner than the workspace’s can be read and not changed', async () => {
    const workspace = makeWorkspace('mixed')
    writeFileSync(join(workspace, 'foreign'), 'foreign\n')
    chownSync(join(workspace, 'foreign'), 5151, 5151)
    const before = picture(workspace)
    const script = 'cat foreign; (echo more >> foreign) 2>/dev/null || echo refused; cat foreign'
    const { stdout } = await sh(script, ['--workspace', workspace])
    expect(stdout).toBe('foreign\nrefused\nforeign\n')
    expect(picture(workspace)).toEqual(before)
  })

  test('two sessions on one workspace do not see each other', async () => {
    const workspace = makeWorkspace('shared')
    const flags = ['--workspace', workspace]
    const script = 'echo "$1" > README; echo "$1" > "only-$1"; echo ready; read go; cat README; ls'
    const [one, two] = ['one', 'two'].map((name) =>
      startRun(instance, ['sh', '-c', script, 'sh', name], { flags }),
    )
    await Promise.all([one?.says('ready'), two?.says('ready')])
    one?.process.stdin?.end('go\n')
    two?.process.stdin?.end('go\n')
    const ends = await Promise.all([one?.ended, two?.ended])
    expect(ends.map((end) => end?.stdout)).toEqual(
      ['one', 'two'].map((name) => `ready\n${name}\nREADME\nlink\nonly-${name}\nsrc\n`),
    )
    expect(readFileSync(join(workspace, 'README'), 'utf8')).toBe('README\n')
  })
})

describe('limits', () => {
  const small = ['--agent', 'small']

  test('a fork bomb stops at the limit of processes, and the platform goes on', async () => {
    const script = 'i=0; while [ $i -lt 100 ]; do sleep 600 & i=$((i+1)); done; echo over'
    const { code, stdout, stderr } = await sh(script, small)
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: '',
      stderr: 'sh: 0: Cannot fork\n',
    })
    await sh('bomb() { bomb | bomb & }; bomb; sleep 1', small)
    expect(await sh('echo on')).toMatchObject({ code: 0, stdout: 'on\n' })
  })

  test('a memory hog is killed', async () => {
    const { code, stdout } = await run(
      instance,
      ['sh', '-c', 'head -c 300m /dev/zero | tail; echo "$?"'],
      { flags: small },
    )
    // all of the session where the kernel kills groups, else the hog alone
    expect([code, stdout]).toEqual(code === 0 ? [0, '137\n'] : [137, ''])
  })

  test('/tmp is full at its limit', async () => {
    const { code, stderr } = await sh('head -c 3m /dev/zero > /tmp/file', small)
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('No space left on device'),
    })
  })

  test('open files end at their limit', async () => {
    const { stdout } = await run(instance, ['bash', '-c', 'ulimit -n; ulimit -Hn; ulimit -c'], {
      flags: small,
    })
    expect(stdout).toBe('64\n64\n0\n')
  })
})
