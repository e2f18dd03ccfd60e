import { DETECTORS } from '../detect/egress/all.ts'

/** What an agent file's `treatments` may name, for whoever checks one. */
export const DETECTOR_IDS: readonly string[] = DETECTORS.map(({ id }) => id)
