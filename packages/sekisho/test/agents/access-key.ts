import { createHash } from 'node:crypto'
import { type AccessKey, whyNotSigned } from '../attacks/check-sigv4.ts'
import type { RecordedRequest } from './scripted-server.ts'

/** Of nobody, and the same in each process of a run: clients sign by it where there is no platform. */
export const ACCESS_KEY: AccessKey = {
  id: ['AKIA', 'SCRIPTEDSCRIPTED'].join(''),
  secretKey: createHash('sha256').update('an access key of nobody').digest('base64').slice(0, 40),
  region: 'us-east-1',
  service: 'bedrock',
}

/** Only who has the key can have signed what arrived. */
export function whyNotByAccessKey(request: Omit<RecordedRequest, 'status'>): string | undefined {
  const { method, target, headers, body } = request
  return whyNotSigned({ method, target, fields: Object.entries(headers).flat(), body }, ACCESS_KEY)
}
