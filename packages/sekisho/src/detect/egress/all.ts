import type { Detector } from './detector.ts'
import { blob } from './entropy/blob.ts'
import { APPS } from './formats/apps.ts'
import { ASSIGNED_KEYS } from './formats/assigned-keys.ts'
import { AWS } from './formats/aws.ts'
import { CLOUDS } from './formats/clouds.ts'
import { CONNECTIONS } from './formats/connections.ts'
import { FORGES } from './formats/forges.ts'
import { GENERIC } from './formats/generic.ts'
import { JWT } from './formats/jwt.ts'
import { MESSAGING } from './formats/messaging.ts'
import { MODELS } from './formats/models.ts'
import { OBSERVABILITY } from './formats/observability.ts'
import { PAYMENTS } from './formats/payments.ts'
import { PRIVATE_KEYS } from './formats/private-keys.ts'
import { REGISTRIES } from './formats/registries.ts'
import { STORES } from './formats/stores.ts'
import { PERSONAL_DATA } from './personal-data/all.ts'

/** Everything that is looked for in what leaves a session, besides the session's own secrets. */
export const DETECTORS: readonly Detector[] = [
  ...FORGES,
  ...REGISTRIES,
  ...CLOUDS,
  ...AWS,
  ...STORES,
  ...MODELS,
  ...MESSAGING,
  ...PAYMENTS,
  ...OBSERVABILITY,
  ...APPS,
  ...PRIVATE_KEYS,
  ...JWT,
  ...CONNECTIONS,
  ...ASSIGNED_KEYS,
  ...GENERIC,
  ...PERSONAL_DATA,
  blob,
]
