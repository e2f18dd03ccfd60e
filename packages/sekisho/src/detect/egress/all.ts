import type { Detector } from './detector.ts'

/** Every detector of outgoing data; a new one is a file and a line here. */
export const DETECTORS: readonly Detector[] = []
