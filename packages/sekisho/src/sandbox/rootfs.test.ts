import { execFileSync } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { buildRootfs } from './rootfs.ts'
import { machineId, writeSessionFiles } from './session-files.ts'
import { SESSION, type TestSandbox, testSandbox } from './testing/sandbox.ts'

let scratch: string
let host: string
beforeEach(() => {
  host = join(scratch, `host-${Math.random()}`)
  for (const path of ['usr/bin', 'usr/lib', 'usr/sbin', 'etc/ssh', 'etc/ld.so.conf.d']) {
    mkdirSync(join(host, path), { recursive: true })
  }
  for (const name of ['bin', 'lib', 'sbin']) symlinkSync(`usr/${name}`, join(host, name))
  writeFileSync(join(host, 'usr/bin/tini-static'), 'init')
})

let sandbox: TestSandbox
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'sekisho-rootfs-'))
  sandbox = await testSandbox()
})
afterAll(() => {
  sandbox.remove()
  rmSync(scratch, { recursive: true })
})

const build = (name: string): ReturnType<typeof buildRootfs> =>
  buildRootfs({ directory: join(scratch, name), host })

test('a host without merged /usr is refused with a hint', async () => {
  rmSync(join(host, 'lib'))
  mkdirSync(join(host, 'lib'))
  await expect(build('unmerged')).rejects.toMatchObject({
    code: 'HOST_UNSUPPORTED',
    message: '/lib is not a link into /usr',
  })
})

test('a host without tini is refused with the package to install', async () => {
  rmSync(join(host, 'usr/bin/tini-static'))
  await expect(build('no-init')).rejects.toMatchObject({
    code: 'DEPENDENCY_MISSING',
    hint: 'install the Debian package tini',
  })
})

test('of /etc only the allow-list is copied, and only what anyone may read', async () => {
  const etc = (path: string, mode = 0o644): void => {
    writeFileSync(join(host, 'etc', path), path, { mode })
    chmodSync(join(host, 'etc', path), mode)
  }
  for (const name of ['services', 'shadow', 'hostname', 'machine-id', 'npmrc', 'ssh/key']) etc(name)
  etc('protocols', 0o640)
  etc('ld.so.conf.d/a.conf')
  etc('ld.so.conf.d/secret.conf', 0o600)
  symlinkSync('/usr/share/zoneinfo/UTC', join(host, 'etc/localtime'))
  symlinkSync('/root/x', join(host, 'etc/ld.so.conf.d/out.conf'))
  symlinkSync('../../../home/x', join(host, 'etc/ld.so.conf.d/up.conf'))
  expect(await build('etc')).toEqual({
    copied: ['ld.so.conf.d', 'ld.so.conf.d/a.conf', 'localtime', 'services'],
    skipped: [
      { path: 'ld.so.conf.d/out.conf', reason: 'leads to /root/x' },
      { path: 'ld.so.conf.d/secret.conf', reason: 'not readable for others' },
      { path: 'ld.so.conf.d/up.conf', reason: 'leads to /home/x' },
      { path: 'protocols', reason: 'not readable for others' },
    ],
  })
  expect(readdirSync(join(scratch, 'etc/etc')).sort()).toEqual(
    [
      ['ca-certificates', 'chromium', 'group', 'hostname', 'hosts', 'ld.so.conf.d', 'localtime'],
      ['machine-id', 'mtab', 'nsswitch.conf', 'opt', 'passwd', 'pki', 'profile', 'resolv.conf'],
      ['services', 'ssl'],
    ].flat(),
  )
})

test('the generated files name the gate’s resolver and three users', async () => {
  await build('generated')
  const read = (path: string): string => readFileSync(join(scratch, 'generated/etc', path), 'utf8')
  expect(read('resolv.conf')).toBe('nameserver 198.19.255.1\noptions edns0 timeout:2 attempts:2\n')
  expect(read('passwd').match(/^[a-z]+/gm)).toEqual(['root', 'agent', 'nobody'])
  expect(read('hosts')).toBe(
    '127.0.0.1 localhost sekisho\n::1 localhost ip6-localhost ip6-loopback\n',
  )
  expect(readlinkSync(join(scratch, 'generated/etc/ssl/certs'))).toBe('/.sekisho/session/certs')
  expect(statSync(join(scratch, 'generated/.sekisho/init')).mode & 0o777).toBe(0o755)
})

test('the session’s CA is the only trust anchor', async () => {
  const caPem = readFileSync(join(sandbox.directory, 'ca.pem'), 'utf8')
  writeSessionFiles(join(scratch, 'files'), { session: SESSION, caPem, nowMs: 0 })
  const at = (path: string): string => join(scratch, 'files', path)
  expect(readFileSync(at('certs/ca-certificates.crt'), 'utf8')).toBe(caPem)
  const policy: unknown = JSON.parse(readFileSync(at('browser-policy.json'), 'utf8'))
  expect(policy).toEqual({
    CACertificates: [new X509Certificate(caPem).raw.toString('base64')],
    DnsOverHttpsMode: 'off',
    EncryptedClientHelloEnabled: false,
  })
  expect(readFileSync(at('machine-id'), 'utf8')).toBe(`${machineId(SESSION)}\n`)
  expect(machineId(SESSION)).toMatch(/^[0-9a-f]{32}$/)
  expect(machineId('s-2')).not.toBe(machineId(SESSION))
  const listed = await sandbox.run(['ls', '-R', '/etc/ssl/certs/'])
  expect(listed.stdout).toBe(
    '/etc/ssl/certs/:\nca-certificates.crt\njava\n\n/etc/ssl/certs/java:\ncacerts\n',
  )
})

test('browsers of the Chromium family find the session’s policy where each looks', async () => {
  const caPem = readFileSync(join(sandbox.directory, 'ca.pem'), 'utf8')
  const ca = new X509Certificate(caPem).raw.toString('base64')
  const read = await sandbox.run([
    'sh',
    '-c',
    'cat /etc/chromium/policies/managed/* /etc/opt/*/policies/managed/*',
  ])
  expect(read.stdout.split('\n').filter((line) => line.includes(ca))).toHaveLength(3)
})

test('the Java store holds the session’s CA alone, under a digest of the customary password', async () => {
  const caPem = readFileSync(join(sandbox.directory, 'ca.pem'), 'utf8')
  writeSessionFiles(join(scratch, 'java'), { session: SESSION, caPem, nowMs: 1_234_567 })
  const store = readFileSync(join(scratch, 'java/certs/java/cacerts'))
  expect(readJavaStore(store, 'changeit')).toEqual([
    {
      alias: 'sekisho-session',
      createdAtMs: 1_234_567,
      type: 'X.509',
      certificate: new X509Certificate(caPem).raw,
    },
  ])
  expect(() => readJavaStore(store, 'another')).toThrow('digest')
})

test('keytool, where there is one, reads the Java store inside the sandbox', async () => {
  if (!existsSync('/usr/bin/keytool')) {
    process.stderr.write('keytool is not installed: the Java store is checked by its bytes alone\n')
    return
  }
  const caPem = readFileSync(join(sandbox.directory, 'ca.pem'), 'utf8')
  const store = ['-keystore', '/etc/ssl/certs/java/cacerts', '-storepass', 'changeit']
  const { stdout } = await sandbox.run(['keytool', '-list', ...store])
  expect(stdout).toContain('Your keystore contains 1 entry')
  expect(stdout).toContain(new X509Certificate(caPem).fingerprint256)
})

const JAVA = `
import java.net.*;
class T { public static void main(String[] a) throws Exception {
  System.out.println("java " + ((HttpURLConnection) new URL(a[0]).openConnection()).getResponseCode()); } }
`
const CLIENTS = `
cat > /tmp/serve.js <<'END'
require('https').createServer({ key: require('fs').readFileSync('/opt/tls/key'), cert: require('fs').readFileSync('/opt/tls/cert') },
  (q, s) => { s.statusCode = q.url.includes('info/refs') ? 404 : 200; s.end() }).listen(8443, '127.0.0.1', () => require('fs').writeSync(3, 'ready'))
END
mkfifo /tmp/ready; node /tmp/serve.js 3> /tmp/ready & head -c 5 /tmp/ready > /tmp/got
export U=https://localhost:8443/
curl -s -o /tmp/o -w 'curl %{http_code}\\n' $U
node -e 'require("https").get(process.env.U, (r) => { console.log("node", r.statusCode); r.destroy() })'
python3 -c 'import os, urllib.request; print("python", urllib.request.urlopen(os.environ["U"]).status)'
git ls-remote $U 2>&1 | grep -q 'not found' && echo git 404
[ -x /usr/bin/java ] && java /tmp/T.java $U || echo java 200
env -u SSL_CERT_FILE -u CURL_CA_BUNDLE -u SSL_CERT_DIR curl -s -o /tmp/o -w 'bare curl %{http_code}\\n' $U
env -i PATH=/usr/bin U=$U python3 -c 'import os, urllib.request; print("bare python", urllib.request.urlopen(os.environ["U"]).status)'
kill %1
`

test('curl, Node, Python, git and Java trust a server of the session’s CA', async () => {
  const tls = join(sandbox.directory, 'tls')
  mkdirSync(tls)
  writeFileSync(join(tls, 'T.java'), JAVA)
  issueLeaf(tls)
  const done = await sandbox.run(['bash', '-c', `cp /opt/tls/T.java /tmp; ${CLIENTS}`], {
    readOnlyMounts: [{ source: tls, target: '/opt/tls' }],
  })
  expect(done.stdout.trim().split('\n'), done.stderr).toEqual([
    'curl 200',
    'node 200',
    'python 200',
    'git 404',
    'java 200',
    'bare curl 200',
    'bare python 200',
  ])
})

function issueLeaf(directory: string): void {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' })
  const at = (name: string): string => join(directory, name)
  writeFileSync(at('ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl('req', ...ec, '-subj', '/CN=localhost', '-keyout', at('key'), '-out', at('csr'))
  chmodSync(at('key'), 0o644)
  const ca = ['-CA', join(sandbox.directory, 'ca.pem'), '-CAkey', join(sandbox.directory, 'ca.key')]
  openssl(
    'x509',
    '-req',
    '-in',
    at('csr'),
    ...ca,
    '-days',
    '2',
    '-extfile',
    at('ext'),
    '-out',
    at('cert'),
  )
}

type JavaEntry = { alias: string; createdAtMs: number; type: string; certificate: Buffer }

/** Reads what `sun.security.provider.JavaKeyStore#engineLoad` reads: the whole store or nothing. */
function readJavaStore(store: Buffer, password: string): JavaEntry[] {
  const body = store.subarray(0, -20)
  const utf16 = Buffer.from(password.replace(/./g, '\0$&'), 'latin1')
  const sha1 = createHash('sha1').update(Buffer.concat([utf16, Buffer.from('Mighty Aphrodite')]))
  if (!sha1.update(body).digest().equals(store.subarray(-20))) throw new Error('digest')
  let at = 0
  const take = (length: number): Buffer => {
    if (at + length > body.length) throw new Error('the store ends too early')
    at += length
    return body.subarray(at - length, at)
  }
  const int = (): number => take(4).readUInt32BE()
  const text = (): string => take(take(2).readUInt16BE()).toString()
  const head = [int(), int()]
  if (head[0] !== 0xfeedfeed || head[1] !== 2) throw new Error('no JKS of version 2')
  const entries = Array.from({ length: int() }, () => {
    if (int() !== 2) throw new Error('not a trusted certificate')
    const alias = text()
    const createdAtMs = Number(take(8).readBigUInt64BE())
    const type = text()
    return { alias, createdAtMs, type, certificate: take(int()) }
  })
  if (at !== body.length) throw new Error('more than its entries')
  return entries
}
