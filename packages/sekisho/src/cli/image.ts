import { SekishoError } from '../core/error.ts'
import { type ImageStore, imageStore, importIntoStore, type StoredImage } from '../daemon/images.ts'
import { pathsFrom } from '../daemon/paths.ts'
import { api } from '../wire/api.ts'
import { connect } from './client.ts'
import type { Command, Terminal } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { printable } from './terminal.ts'

const USAGE = [
  'sekisho image import NAME SOURCE [--digest sha256:…] [--authfile FILE]',
  'list',
  'rm NAME|DIGEST',
  'verify NAME|DIGEST',
].join(' | ')
/** The rest is in the count. */
const MAX_SHOWN = 20

export const image: Command = {
  name: 'image',
  summary: 'Images that sessions can have as their root file system',
  usage: `${USAGE} [--json]`,
  async run(argv, terminal) {
    const [action = '', ...rest] = argv
    const act = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined
    if (act === undefined) {
      throw new SekishoError('USAGE', `image ${action}`, { hint: `usage: ${image.usage}` })
    }
    if (process.geteuid?.() !== 0) {
      throw new SekishoError('PERMISSION_REQUIRED', 'the images of the platform are root’s alone', {
        hint: 'run this command as root',
      })
    }
    return act({ store: imageStore(pathsFrom(process.env)), argv: rest, terminal })
  },
}

type Call = { store: ImageStore; argv: readonly string[]; terminal: Terminal }

const ACTIONS: Readonly<Record<string, (call: Call) => Promise<number>>> = {
  import: importOne,
  list: listAll,
  rm: removeOne,
  verify: verifyOne,
}

async function importOne({ store, argv, terminal }: Call): Promise<number> {
  const { values, positionals } = jsonFlag(image.usage, argv, {
    digest: { type: 'string' },
    authfile: { type: 'string' },
  })
  const [name, source, ...more] = positionals
  if (name === undefined || source === undefined || more.length > 0) {
    throw new SekishoError('USAGE', 'want a name and a source', { hint: `usage: ${image.usage}` })
  }
  let isRecorded = false
  const imported = await importIntoStore(store, {
    name,
    source,
    digest: textOf(values['digest']),
    authFile: textOf(values['authfile']),
    record: async (done) => {
      isRecorded = await recordImport(done)
    },
  })
  if (values['json'] === true) {
    terminal.out(JSON.stringify({ name, source, isRecorded, ...imported }))
    return 0
  }
  sayImported({ name, isRecorded, ...imported }, terminal)
  return 0
}

/** @returns false when no daemon runs; one that runs and cannot record ends the import */
async function recordImport(done: {
  name: string
  digest: string
  source: string
}): Promise<boolean> {
  try {
    const peer = await connect(pathsFrom(process.env).apiSocket, api)
    try {
      await peer.call('image.import', done)
    } finally {
      peer.close()
    }
    return true
  } catch (error) {
    if (error instanceof SekishoError && error.code === 'DAEMON_UNREACHABLE') return false
    throw error
  }
}

function sayImported(
  done: { name: string; digest: string; isRecorded: boolean; leftOut: readonly string[] },
  terminal: Terminal,
): void {
  const { name, digest, isRecorded, leftOut } = done
  terminal.out(`imported ${name}`)
  terminal.out(`digest   ${digest}`)
  for (const entry of leftOut.slice(0, MAX_SHOWN)) terminal.err(`left out ${printable(entry)}`)
  if (leftOut.length > MAX_SHOWN) terminal.err(`left out ${leftOut.length - MAX_SHOWN} more`)
  if (!isRecorded) terminal.err('no daemon runs: the import is not in the log')
  terminal.out(`in the agent file: rootfs: { image: ${name}, digest: "${digest}" }`)
}

async function listAll({ store, argv, terminal }: Call): Promise<number> {
  const { values } = jsonFlag(image.usage, argv)
  const images = store.list()
  if (values['json'] === true) {
    terminal.out(JSON.stringify({ images }))
    return 0
  }
  for (const { names, digest, bytes } of images) {
    terminal.out(`${digest}  ${mebibytes(bytes)}  ${names.join(', ')}`)
  }
  return 0
}

function mebibytes(bytes: StoredImage['bytes']): string {
  return `${Math.ceil(bytes / 1024 ** 2)} MiB`.padStart(9)
}

async function removeOne({ store, argv, terminal }: Call): Promise<number> {
  const { values, positionals } = jsonFlag(image.usage, argv)
  const removed = store.remove(onePositional(image.usage, positionals))
  if (values['json'] === true) terminal.out(JSON.stringify({ removed }))
  else terminal.out(`removed  ${removed.digest}  ${removed.names.join(', ')}`)
  return 0
}

async function verifyOne({ store, argv, terminal }: Call): Promise<number> {
  const { values, positionals } = jsonFlag(image.usage, argv)
  const name = onePositional(image.usage, positionals)
  const differences = await store.verify(name)
  if (values['json'] === true) terminal.out(JSON.stringify({ differences }))
  else {
    for (const { path, change } of differences.slice(0, MAX_SHOWN)) {
      terminal.err(`${change.padEnd(8)} ${printable(path)}`)
    }
    const result = differences.length === 0 ? 'whole' : `differences: ${differences.length}`
    terminal.out(`${name}: ${result}`)
  }
  return differences.length === 0 ? 0 : 1
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
