import type { Fields } from '../fields.ts'

/** The version of the schema that events are of: https://schema.ocsf.io/1.5.0 */
export const OCSF_VERSION = '1.5.0'

/** Classes by their `class_uid`; a category is its first digit. */
export const CLASS = {
  base: 0,
  file: 1001,
  process: 1007,
  finding: 2004,
  authorizeSession: 3003,
  entity: 3004,
  network: 4001,
  http: 4002,
  dns: 4003,
  lifecycle: 6002,
  api: 6003,
} as const

/** `activity_id` of what a class has no name for: `activity_name` says what it was. */
export const OTHER = 99

/** What is its own of one event, beside what all have. */
export type EventPart = {
  classUid: (typeof CLASS)[keyof typeof CLASS]
  activityId: number
  /** needed where `activityId` is {@link OTHER} */
  activityName?: string
  /** `status_id`: 1 success, 2 failure, 0 where it is not known yet */
  statusId?: 0 | 1 | 2
  /** the platform decided about it: the profile `security_control` */
  isDecided?: boolean
  fields: Fields
}

/** What events say of where they happened. */
export type EventPlace = { session: string; hostname: string }
