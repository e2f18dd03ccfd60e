import type { AgentFile } from '../policy/agent-file.ts'
import { type AwsPart, awsPartName, awsVariable } from '../wire/aws.ts'
import type { SessionPlan } from '../wire/control.ts'

type Secret = AgentFile['secrets'][number]
type Reference = SessionPlan['secrets'][number]

/** An access key of AWS is kept in parts, each of which is looked for where it must not be. */
export function secretParts({ name, hosts, port, header, from, env, aws }: Secret): Reference[] {
  if (aws === null) {
    const binding = { name, hosts, port, header: header ?? 'authorization' }
    return [{ binding, from, variable: env }]
  }
  const { region, service } = aws
  const sources = { id: from, key: aws.secretKey, token: aws.sessionToken }
  return (['id', 'key', 'token'] as const).flatMap((part: AwsPart['part']): Reference[] => {
    const source = sources[part]
    if (source === null) return []
    const binding = {
      name: awsPartName(name, part),
      hosts,
      port,
      header: part === 'token' ? 'x-amz-security-token' : 'authorization',
      aws: { of: name, part, region, service },
    }
    const variable = env === null ? null : (awsVariable(env, part) ?? null)
    return [{ binding, from: source, variable }]
  })
}
