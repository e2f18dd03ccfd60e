import type { Readable } from 'node:stream'
import type { HttpRequestAction } from '../core/action.ts'
import type { RuleOptions } from '../wire/policy.ts'
import { GrpcBody } from './grpc-body.ts'
import { isGrpc } from './grpc-status.ts'
import { fieldValue } from './http-fields.ts'
import type { FindingSet } from './inspection/finding-set.ts'
import type { HeldBytes } from './inspection/held-bytes.ts'
import type { Inspector } from './inspection/inspector.ts'
import { isPush } from './inspection/pack-look.ts'
import type { Placeholders } from './placeholders.ts'
import { type BodyLook, type BodyPace, type OutgoingBody, RequestBody } from './request-body.ts'

export type BodyArrival = {
  action: HttpRequestAction
  fields: readonly string[]
  body: Readable
}

export type BodyParts = BodyPace & {
  placeholders: Placeholders
  inspector: Inspector
  heldBytes: HeldBytes
}

/** The body of a request as its content type has it: messages, or one whole. */
export function makeOutgoingBody(
  { action, fields, body }: BodyArrival,
  { findings, options }: { findings: FindingSet; options: RuleOptions },
  parts: BodyParts,
): OutgoingBody {
  const { placeholders, inspector } = parts
  const contentType = fieldValue(fields, 'content-type')
  const look = {
    watch: placeholders.watchBody(action),
    findings,
    maxBytes: inspector.maxBodyBytes(options),
  }
  if (isGrpc(contentType)) {
    const coding = fieldValue(fields, 'grpc-encoding')?.trim().toLowerCase()
    const newScan = (): ReturnType<Inspector['scanBody']> => inspector.scanBody(undefined)
    return new GrpcBody(body, { ...look, coding, newScan }, parts)
  }
  const coding = fieldValue(fields, 'content-encoding')
  const another = (): Pick<BodyLook, 'watch' | 'scan'> => ({
    watch: placeholders.watchBody(action),
    scan: inspector.scanBody(undefined),
  })
  const length = fieldValue(fields, 'content-length')
  const scan = inspector.scanBody(contentType)
  return new RequestBody(
    body,
    { ...look, coding, length, scan, another, isPush: isPush(contentType) },
    parts,
  )
}
