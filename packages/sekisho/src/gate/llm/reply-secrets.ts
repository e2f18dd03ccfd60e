import { secretsFilter } from '../../detect/content/reply/secrets-filter.ts'
import type { TextFilter } from '../../detect/content/reply/text-filter.ts'
import { DETECTORS } from '../../detect/egress/all.ts'
import { compileDetectors } from '../../detect/egress/engine.ts'
import type { LlmSettings } from '../../wire/llm.ts'

const FORMATS = compileDetectors(DETECTORS.filter((each) => each.class === 'secret-format'))

export type SecretFound = (detector: string, did: 'recorded' | 'redacted') => void

/**
 * Looks for secrets in what a model writes. What is only recorded passes as it comes; a secret that
 * is known by nothing but its randomness is only recorded.
 *
 * @returns undefined where nobody is to look
 */
export function replySecrets(
  mode: LlmSettings['replies']['secrets'],
  found: SecretFound,
): TextFilter | undefined {
  if (mode === 'pass') return undefined
  const filter = secretsFilter({
    detectors: FORMATS,
    treat: ({ detector }) => {
      const isKnown = !detector.startsWith('secret.generic-')
      const did = mode === 'redact' && isKnown ? 'redact' : 'record'
      found(detector, did === 'redact' ? 'redacted' : 'recorded')
      return did
    },
  })
  return ofTexts(mode === 'redact' ? filter : beside(filter))
}

/** What a model thinks is signed by its provider, who refuses it when it has been changed. */
function ofTexts(filter: TextFilter): TextFilter {
  const isText = (stream: string): boolean => !stream.startsWith('thinking:')
  return {
    push: (stream, text) => (isText(stream) ? filter.push(stream, text) : text),
    end: (stream) => (isText(stream) ? filter.end(stream) : ''),
  }
}

/** Sees all, and changes and holds back nothing. */
function beside(filter: TextFilter): TextFilter {
  return {
    push: (stream, text) => {
      filter.push(stream, text)
      return text
    },
    end: (stream) => {
      filter.end(stream)
      return ''
    },
  }
}
