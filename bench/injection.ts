/**
 * What it costs to look at texts that models read and write, and how often the score takes honest
 * files of this machine for orders to a model. How well it finds orders: scripts/evaluate-injection.ts.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { DETECTORS } from '../packages/sekisho/src/detect/egress/all.ts'
import { compileDetectors } from '../packages/sekisho/src/detect/egress/engine.ts'
import { findHiddenUnicode } from '../packages/sekisho/src/detect/content/hidden-unicode.ts'
import { ScoreMemory } from '../packages/sekisho/src/detect/content/injection/score-memory.ts'
import { scoreInjection } from '../packages/sekisho/src/detect/content/injection/score.ts'
import { linkFilter } from '../packages/sekisho/src/detect/content/links/link-filter.ts'
import { secretsFilter } from '../packages/sekisho/src/detect/content/reply/secrets-filter.ts'
import type { TextFilter } from '../packages/sekisho/src/detect/content/reply/text-filter.ts'
import { readHonestFiles } from '../scripts/injection/honest-files.ts'
import { type Bench, measure, type Peer } from './harness.ts'

const ROOT = resolve(import.meta.dirname, '..')
const ROUNDS = 9
/** What a model says at once. */
const PIECE = 5

const PROSE = readFileSync(resolve(ROOT, 'docs/guides/agent-files.md'), 'utf8')
const CODE = readFileSync(resolve(ROOT, 'node_modules/zod/v4/core/schemas.js'), 'utf8')
const JAPANESE = readFileSync(resolve(ROOT, 'node_modules/@biomejs/biome/README.ja.md'), 'utf8')

export const bench: Bench = {
  name: 'injection',
  run: async () => {
    const rows = await measure(peers(), { rounds: ROUNDS, warmUpRounds: 5 })
    const texts = readHonestFiles(ROOT).flatMap((files) => files.texts)
    const scores = texts.map((text) => scoreInjection(text, 'tool-result'))
    const share = (from: number): number =>
      scores.filter(({ permille }) => permille >= from).length / scores.length
    return {
      rows,
      ratios: { honest_files: texts.length, honest_500: share(500), honest_900: share(900) },
    }
  },
}

function peers(): Peer[] {
  const memory = new ScoreMemory(1000)
  const detectors = compileDetectors(DETECTORS.filter((one) => one.class === 'secret-format'))
  const links = (): TextFilter => linkFilter({ reaches: () => true, treat: () => 'record' })
  const secrets = (): TextFilter => secretsFilter({ detectors, treat: () => 'record' })
  return [
    perKilobyte('floor: lower case, and a search', PROSE, (text) =>
      text.toLowerCase().includes('no such words'),
    ),
    perKilobyte('injection score, prose', PROSE, (text) => scoreInjection(text, 'tool-result')),
    perKilobyte('injection score, code', CODE, (text) => scoreInjection(text, 'tool-result')),
    perKilobyte('injection score, Japanese', JAPANESE, (text) =>
      scoreInjection(text, 'tool-result'),
    ),
    perKilobyte('injection score, a text that came before', PROSE, (text) =>
      memory.score(text, 'tool-result'),
    ),
    perKilobyte('hidden characters, prose', PROSE, findHiddenUnicode),
    perKilobyte('links of a reply, five characters at a time', PROSE, streamed(links)),
    perKilobyte('secrets of a reply, five characters at a time', PROSE, streamed(secrets)),
  ]
}

function streamed(open: () => TextFilter): (text: string) => number {
  return (text) => {
    const filter = open()
    let length = 0
    for (let at = 0; at < text.length; at += PIECE) {
      length += filter.push('reply', text.slice(at, at + PIECE)).length
    }
    return length + filter.end('reply').length
  }
}

/** Of processor time, some tens of kilobytes at a time. */
function perKilobyte(name: string, text: string, look: (text: string) => unknown): Peer {
  const times = Math.ceil(400_000 / text.length)
  return {
    name,
    unit: 'µs/KB',
    sample: () => {
      const started = process.cpuUsage()
      for (let time = 0; time < times; time++) look(text)
      const { user, system } = process.cpuUsage(started)
      return (user + system) / ((text.length * times) / 1024)
    },
  }
}
