import { DETECTOR_CLASSES, type DetectorClass } from '../core/finding.ts'
import { TREATMENTS, type Treatment, type Treatments } from '../wire/policy.ts'
import { suggest } from './nearest.ts'
import { printable, type Read } from './problem.ts'

/** Nothing honest sends them anywhere, so no file can say that they may pass. */
const ALWAYS_DENIED = ['platform-secret', 'canary'] as const satisfies readonly DetectorClass[]

/** Where neither the rule nor the session says otherwise. */
const DEFAULTS: Treatments = {
  'secret-format': 'deny',
  'secret.generic-*': 'record',
  // what an agent was given in the session itself, by a registry or a login, has this form too
  'secret.jwt': 'record',
  'personal-data': 'record',
  'high-entropy': 'record',
}

/**
 * Not what was found but that the rest was not looked at: redacting what stands there, as a class
 * may ask, would let that rest pass. Only a file that names it by its own id has another way.
 */
const UNSEEN = 'scan.'

/** `secret.github-pat`, `secret.generic-*`, `pii.*` */
const DETECTOR_KEY = /^([a-z][a-z0-9-]*)\.(?:[a-z0-9][a-z0-9-]*\*?|\*)$/

/** How the ids of a class begin, where they begin otherwise than the class. */
const DENIED_PREFIXES: readonly string[] = ['platform', 'platform-secret', 'canary']

/**
 * What becomes of a request in which something was found: the exact id, else the longest beginning
 * (`secret.generic-*`), else the class; asked of the rule first, then of the session, then of the
 * defaults. A class that none of them knows is denied.
 */
export function treatmentOf(
  finding: { detector: string; class: DetectorClass },
  by: { rule: Treatments | undefined; session: Treatments },
): Treatment {
  if (ALWAYS_DENIED.some((denied) => denied === finding.class)) return 'deny'
  return (
    (by.rule === undefined ? undefined : look(by.rule, finding)) ??
    look(by.session, finding) ??
    look(DEFAULTS, finding) ??
    'deny'
  )
}

function look(
  treatments: Treatments,
  finding: { detector: string; class: DetectorClass },
): Treatment | undefined {
  // own keys only: a detector's name must not find what every object inherits
  if (Object.hasOwn(treatments, finding.detector)) return treatments[finding.detector]
  let longest = ''
  for (const key of Object.keys(treatments)) {
    if (!key.endsWith('*') || key.length <= longest.length) continue
    if (finding.detector.startsWith(key.slice(0, -1))) longest = key
  }
  if (longest !== '') return treatments[longest]
  if (finding.detector.startsWith(UNSEEN) || !Object.hasOwn(treatments, finding.class)) {
    return undefined
  }
  return treatments[finding.class]
}

/** For what several rules ask: the stricter of two. */
export function stricter(a: Treatment, b: Treatment): Treatment {
  return TREATMENTS.indexOf(a) < TREATMENTS.indexOf(b) ? b : a
}

/** One entry of `treatments` in an agent file: whether its key can name something found. */
export function readTreatment(key: string, treatment: Treatment): Read<Treatment> {
  if (treatment !== 'deny' && isAlwaysDenied(key)) {
    return {
      problem: `\`${key}\` is always denied and cannot be ${PARTICIPLES[treatment]}`,
      hint: 'delete the line',
    }
  }
  if (treatment === 'tokenize' && !isPersonalData(key)) {
    return {
      problem: `\`${printable(key)}\` is no personal data, and only that has tokens`,
      hint: 'write redact, or name personal-data or a detector such as pii.email',
    }
  }
  if (DETECTOR_CLASSES.some((known) => known === key) || DETECTOR_KEY.test(key)) {
    return { value: treatment }
  }
  return {
    problem: `\`${printable(key)}\` is neither a class nor a detector`,
    hint: suggest(
      key,
      DETECTOR_CLASSES,
      `the classes are ${DETECTOR_CLASSES.join(', ')}; a detector is written as secret.github-pat, several as secret.generic-*`,
    ),
  }
}

function isPersonalData(key: string): boolean {
  return key === 'personal-data' || key.startsWith('pii.')
}

/** Whether a key names what is in the list of detectors, in which not all that is found has a place. */
export function isDetectorKey(key: string): boolean {
  return DETECTOR_KEY.test(key) && !isAlwaysDenied(key) && !key.startsWith(UNSEEN)
}

function isAlwaysDenied(key: string): boolean {
  const [, prefix] = DETECTOR_KEY.exec(key) ?? []
  return (
    ALWAYS_DENIED.some((denied) => denied === key) ||
    DENIED_PREFIXES.some((denied) => denied === prefix)
  )
}

const PARTICIPLES: Readonly<Record<Treatment, string>> = {
  record: 'only recorded',
  tokenize: 'tokenized',
  redact: 'redacted',
  hold: 'held',
  deny: 'denied',
}
