/**
 * `npm run test:interop`: Go's own implementation of the log's formats (golang.org/x/mod, as Debian
 * packages it) reads a log that we wrote, checks its checkpoint, tiles, bundles and proofs, and
 * writes one that we read. Takes Debian's packages into a temporary directory, installs nothing.
 * Exit code 1 when either side refuses the other.
 */
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import {
  addCosignature,
  formatBundle,
  formatCheckpoint,
  leafHash,
  noteCosigner,
  noteSigner,
  openCheckpoint,
  parseVkey,
  TileBuilder,
  TileReader,
  tilePath,
  verifyConsistency,
  verifyInclusion,
} from '../packages/verify/src/index.ts'

/** Three levels of tiles, and one that is not full on each. */
const SIZE = 66_100
const INDEXES = [0, 1, 255, 256, 12_345, 65_535, 65_536, SIZE - 1]
const OLD_SIZES = [1, 2, 256, 257, 40_000, 65_536, 65_537, SIZE - 1]
const ORIGIN = 'sekisho.example/log/interop'
const TIMEOUT_MS = 120_000
const MODULES = 'usr/share/gocode'
const SOURCE = new URL('../packages/verify/interop/main.go', import.meta.url).pathname

const Base64 = z.base64().transform((text) => Buffer.from(text, 'base64'))
const ReplyShape = z.object({
  Checked: z.array(z.string()),
  Vkey: z.string(),
  Checkpoint: z.string(),
  Tiles: z.record(z.string(), Base64),
  Leaves: z.array(Base64),
  Inclusion: z.record(z.string(), z.array(Base64)),
  Consistency: z.record(z.string(), z.array(Base64)),
})

const dir = mkdtempSync(join(tmpdir(), 'sekisho-interop-'))
try {
  const task = await writeLog(join(dir, 'log'))
  const program = buildProgram(dir)
  const output = execFileSync(program, {
    input: JSON.stringify(task),
    stdio: ['pipe', 'pipe', 'inherit'],
    maxBuffer: 2 ** 26,
    timeout: TIMEOUT_MS,
  })
  const reply = ReplyShape.parse(JSON.parse(output.toString()))
  for (const line of reply.Checked) say(`Go, of ours: ${line}`)
  say(`we, of Go's: ${await readTheirs(reply)}`)
} finally {
  rmSync(dir, { recursive: true })
}

async function writeLog(to: string): Promise<object> {
  const builder = TileBuilder.empty()
  const leaves = Array.from({ length: SIZE }, (_, i) => Buffer.from(`{"n":${i}}`))
  const tiles = leaves.flatMap((leaf) => builder.append(leafHash(leaf)))
  for (const { path, bytes } of [...tiles, ...builder.partial()]) put(join(to, path), bytes)
  for (let index = 0; index * 256 < SIZE; index += 1) {
    const some = leaves.slice(index * 256, (index + 1) * 256)
    const path = tilePath({ level: 'entries', index, width: some.length })
    put(join(to, path), formatBundle(some))
  }
  const { note, vkey } = signed(builder.root())
  put(join(to, 'checkpoint'), note)
  const head = { size: SIZE, root: builder.root() }
  const files = new Map([...tiles, ...builder.partial()].map(({ path, bytes }) => [path, bytes]))
  const reader = await TileReader.open(head, { read: async (path) => files.get(path) })
  const inclusion = INDEXES.map(async (index) => ({
    index,
    proof: (await reader.inclusion(index)).map(base64),
  }))
  const consistency = OLD_SIZES.map(async (oldSize) => ({
    oldSize,
    proof: (await reader.consistency(oldSize)).map(base64),
  }))
  return {
    dir: to,
    vkey,
    inclusion: await Promise.all(inclusion),
    consistency: await Promise.all(consistency),
  }
}

/** Beside the Ed25519 signature, which Go knows, two that it must pass over. */
function signed(root: Buffer): { note: string; vkey: string } {
  const log = noteSigner(ORIGIN, generateKeyPairSync('ed25519').privateKey)
  const later = noteCosigner(ORIGIN, generateKeyPairSync('ml-dsa-44').privateKey)
  const witness = noteCosigner('witness.example/w', generateKeyPairSync('ed25519').privateKey)
  const note = log.sign(formatCheckpoint({ origin: ORIGIN, size: SIZE, root }))
  return { note: addCosignature(addCosignature(note, later, 1), witness, 1), vkey: log.vkey }
}

async function readTheirs(reply: z.infer<typeof ReplyShape>): Promise<string> {
  const opened = openCheckpoint(reply.Checkpoint, parseVkey(reply.Vkey))
  if (opened.kind === 'refused') throw new Error(opened.reason)
  const { size, root } = opened.checkpoint
  const files = new Map(Object.entries(reply.Tiles))
  const reader = await TileReader.open({ size, root }, { read: async (path) => files.get(path) })
  for (const [index, proof] of Object.entries(reply.Inclusion)) {
    const leaf = leafHash(reply.Leaves[Number(index)] ?? Buffer.alloc(0))
    const claim = { leaf, index: Number(index), size, proof, root }
    same(verifyInclusion(claim), true, `inclusion of ${index}`)
    same((await reader.inclusion(claim.index)).map(base64), proof.map(base64), 'inclusion proof')
  }
  for (const [oldSize, proof] of Object.entries(reply.Consistency)) {
    const old = { oldSize: Number(oldSize), oldRoot: await reader.root(Number(oldSize)) }
    same(verifyConsistency({ ...old, newSize: size, newRoot: root, proof }), true, 'consistency')
    same((await reader.consistency(old.oldSize)).map(base64), proof.map(base64), 'its proof')
  }
  const proofs = Object.keys(reply.Inclusion).length + Object.keys(reply.Consistency).length
  return `checkpoint, ${files.size} tiles and ${proofs} proofs of a log of ${size} leaves accepted`
}

/** With Go and its modules from Debian's packages, taken apart here; go itself has no network. */
function buildProgram(work: string): string {
  const root = join(work, 'packages')
  mkdirSync(root)
  const depends = run('apt-cache', ['show', '--no-all-versions', 'golang-go'])
  const [, version] = /golang-([\d.]+)-go/.exec(depends) ?? []
  if (version === undefined) throw new Error('the package lists have no golang-go: apt-get update')
  const names = [`golang-${version}-go`, `golang-${version}-src`, 'golang-golang-x-mod-dev']
  execFileSync('apt-get', ['download', '-q', ...names], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: TIMEOUT_MS,
  })
  for (const file of readdirSync(root)) run('dpkg', ['-x', join(root, file), root])
  const goRoot = join(root, `usr/lib/go-${version}`)
  if (!existsSync(join(goRoot, 'bin/go'))) throw new Error(`no Go below ${goRoot}`)
  const program = join(work, 'interop')
  execFileSync(join(goRoot, 'bin/go'), ['build', '-o', program, SOURCE], {
    env: {
      ...process.env,
      GOROOT: goRoot,
      GOPATH: join(root, MODULES),
      GO111MODULE: 'off',
      GOPROXY: 'off',
      GOFLAGS: '',
      GOCACHE: join(work, 'cache'),
      CGO_ENABLED: '0',
    },
    timeout: TIMEOUT_MS,
  })
  return program
}

function run(program: string, args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', timeout: TIMEOUT_MS })
}

function put(path: string, content: string | Buffer): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}

function same(got: unknown, want: unknown, what: string): void {
  const [left, right] = [JSON.stringify(got), JSON.stringify(want)]
  if (left !== right) throw new Error(`${what}: ${left}, want ${right}`)
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64')
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
