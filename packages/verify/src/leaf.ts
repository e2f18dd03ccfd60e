import { isObject, parseCanonical, parseObject } from './canonical.ts'
import { leafHash } from './merkle.ts'
import { isSession, type LeafEffect, type OpenEntry, SESSION_END } from './open-entries.ts'

/** A leaf is at most this long in its canonical form: 16 bits, as in tlog-tiles entry bundles. */
export const MAX_LEAF_BYTES = 65_535

/** 1: covered by the log's checkpoint alone; 2: signed by the session's key where there is one. */
export type LeafVersion = 1 | 2

/** What the log's own rules need to know of a leaf. */
export type LeafFacts = {
  hash: Buffer
  version: LeafVersion
  type: string
  at: string
  effect: LeafEffect | undefined
}

const AT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/

/**
 * Reads one leaf; a string says what is wrong with it.
 *
 * @param canonical whether to check the form as well, which costs more than the hash
 */
export function readLeaf(bytes: Buffer, canonical: boolean): LeafFacts | string {
  if (bytes.length > MAX_LEAF_BYTES) return `a leaf of ${bytes.length} bytes`
  const leaf = canonical ? parseCanonical(bytes) : parseObject(bytes)
  if (leaf === undefined) return 'a leaf that is not canonical JSON'
  const version = versionOf(leaf['v'])
  if (typeof version === 'string') return version
  const { type, at } = leaf
  if (typeof type !== 'string' || type === '') return 'a leaf without a type'
  if (typeof at !== 'string' || !AT.test(at)) return 'a leaf without a time'
  const effect = leafEffectOf(leaf)
  if (typeof effect === 'string') return effect
  return { hash: leafHash(bytes), version, type, at, effect }
}

function versionOf(v: unknown): LeafVersion | string {
  if (v === 1 || v === 2) return v
  if (typeof v !== 'number') return 'a leaf without a version'
  return `a leaf of version ${v}, which this program does not know`
}

/** What a leaf opens or closes; a string says what is wrong with it. */
export function leafEffectOf(
  leaf: Readonly<Record<string, unknown>>,
): LeafEffect | undefined | string {
  switch (leaf['type']) {
    case 'session.start':
    case 'session.end':
      return sessionEffect(leaf)
    case 'action.intent':
      return opening(leaf)
    case 'action.outcome':
      return closing(leaf)
    case 'gap':
      return leaf['session'] === null ? undefined : gapEffect(leaf)
    default:
      return undefined
  }
}

function sessionEffect({ type, session }: Readonly<Record<string, unknown>>): LeafEffect | string {
  if (typeof session !== 'string') return 'a leaf without a session'
  const entry = { session, id: SESSION_END }
  return type === 'session.start'
    ? { does: 'open', entry }
    : { does: 'close', entry, by: 'session.end' }
}

function opening(leaf: Readonly<Record<string, unknown>>): LeafEffect | undefined | string {
  const entry = intentOf(leaf)
  if (typeof entry === 'string') return entry
  const verdict = leaf['verdict']
  if (!isObject(verdict)) return 'action.intent without a verdict'
  return verdict['kind'] === 'allow' ? { does: 'open', entry } : undefined
}

function closing(leaf: Readonly<Record<string, unknown>>): LeafEffect | string {
  const entry = intentOf(leaf)
  return typeof entry === 'string' ? entry : { does: 'close', entry, by: 'outcome' }
}

function gapEffect(leaf: Readonly<Record<string, unknown>>): LeafEffect | string {
  const entry = entryOf(leaf)
  return typeof entry === 'string' ? entry : { does: 'close', entry, by: 'gap' }
}

/** An action that went by the id of its session's end could pass for it. */
function intentOf(leaf: Readonly<Record<string, unknown>>): OpenEntry | string {
  const entry = entryOf(leaf)
  if (typeof entry === 'string') return entry
  return isSession(entry) ? `an action with the id ${SESSION_END}` : entry
}

function entryOf({ session, id }: Readonly<Record<string, unknown>>): OpenEntry | string {
  if (typeof session !== 'string' || typeof id !== 'string') return 'a leaf without session and id'
  return { session, id }
}
