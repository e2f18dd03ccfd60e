import { COMMAND_DETECTOR_IDS } from '../detect/commands/all.ts'
import { DETECTORS } from '../detect/egress/all.ts'

/** What an agent file's `treatments` may name, for whoever checks one. */
export const DETECTOR_IDS: readonly string[] = DETECTORS.map(({ id }) => id)

/** What `context.facts.findings` may have. */
export const FINDING_IDS: readonly string[] = [...DETECTOR_IDS, ...COMMAND_DETECTOR_IDS]
