import type { RecordedFinding } from '../../core/finding.ts'
import { findHiddenUnicode } from '../../detect/content/hidden-unicode.ts'
import { ScoreMemory } from '../../detect/content/injection/score-memory.ts'
import { type LinkFinding, linkFilter } from '../../detect/content/links/link-filter.ts'
import { textCallFilter } from '../../detect/content/reply/text-calls.ts'
import { filterChain } from '../../detect/content/reply/text-filter.ts'
import type { ChannelText, TextFilter } from '../../llm/format.ts'
import type { ChannelScore, LlmSettings } from '../../wire/llm.ts'
import { replySecrets } from './reply-secrets.ts'

/** Scores that are remembered; some 150 bytes each. */
const MAX_SCORES = 4_096
/** Of one call, different ones. */
const MAX_FINDINGS = 64

/** What was found in the texts of one call. */
export type Looked = { scores: ChannelScore[]; findings: readonly RecordedFinding[] }

export type ContentRules = {
  /** whether the session itself may reach a host */
  reaches: (host: string) => boolean
  /** what becomes of a finding */
  treat: (detector: string) => 'record' | 'redact'
  secrets: LlmSettings['replies']['secrets']
}

/** What looks at the texts of one reply. */
export type ReplyLook = {
  filter: TextFilter
  names: readonly string[]
  /** grow as the texts go by */
  findings: () => RecordedFinding[]
}

/** Looks at what models of one session are told and what they say. */
export class SessionContent {
  /** of what looks at requests */
  readonly names = ['egress', 'injection', 'hidden-unicode']
  readonly #memory = new ScoreMemory(MAX_SCORES)

  /** @param fresh what no earlier call of the session has said */
  look(fresh: readonly ChannelText[]): Looked {
    const scores = new Map<ChannelScore['channel'], ChannelScore>()
    const findings = new Findings()
    for (const { channel, text } of fresh) {
      const { permille, rules } = this.#memory.score(text, channel)
      const before = scores.get(channel) ?? { channel, bytes: 0, permille: 0 }
      const bytes = before.bytes + Buffer.byteLength(text)
      scores.set(channel, { channel, bytes, permille: Math.max(before.permille, permille) })
      const found = { place: channel, did: 'recorded' } as const
      for (const detector of rules) findings.add({ ...found, detector, count: 1 })
      for (const { id: detector, count } of findHiddenUnicode(text)) {
        findings.add({ ...found, detector, count })
      }
    }
    return { scores: [...scores.values()], findings: findings.all }
  }

  replyFilter(rules: ContentRules): ReplyLook {
    const findings = new Findings()
    const secrets = replySecrets(rules.secrets, (detector, did) => {
      findings.add({ detector, place: 'reply', count: 1, did })
    })
    const links = linkFilter({
      reaches: ({ hostname }) => rules.reaches(hostname),
      treat: (finding: LinkFinding) => {
        const did = rules.treat(finding.id)
        const noted = did === 'redact' ? 'redacted' : 'recorded'
        findings.add({ detector: finding.id, place: 'reply', count: 1, did: noted })
        return did
      },
    })
    // the last of them: it reads what the client will
    const textCalls = textCallFilter(() => {
      findings.add({ detector: 'text-call', place: 'reply', count: 1, did: 'redacted' })
    })
    const looks = [
      ...(secrets === undefined ? [] : [['secrets', secrets] as const]),
      ['links', links] as const,
      ['text-calls', textCalls] as const,
    ]
    return {
      filter: filterChain(looks.map(([, filter]) => filter)),
      names: looks.map(([name]) => name),
      findings: () => findings.all,
    }
  }
}

class Findings {
  readonly #byKey = new Map<string, RecordedFinding>()

  get all(): RecordedFinding[] {
    return [...this.#byKey.values()]
  }

  add(finding: RecordedFinding): void {
    const { detector, place, count, did } = finding
    const key = `${detector} ${place} ${did}`
    const before = this.#byKey.get(key)
    if (before !== undefined) before.count += count
    else if (this.#byKey.size < MAX_FINDINGS) this.#byKey.set(key, { ...finding })
  }
}
