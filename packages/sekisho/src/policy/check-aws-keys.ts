import { awsScopeFor } from '../core/aws-scope.ts'
import { awsVariable } from '../wire/aws.ts'
import type { AgentFile } from './agent-schema.ts'
import type { Problem } from './problem.ts'

type SecretOf = AgentFile['secrets'][number]

/** The variables that a secret's placeholders stand in inside the sandbox. */
export function secretVariables({ env, aws }: SecretOf): string[] {
  if (env === null) return []
  if (aws === null) return [env]
  const parts = aws.sessionToken === null ? (['id', 'key'] as const) : PARTS
  return parts.map((part) => awsVariable(env, part) ?? env)
}

const PARTS = ['id', 'key', 'token'] as const

/** A secret is sent in a header, or it signs: for a region and service that somebody has named. */
export function checkAwsKeys({ secrets }: AgentFile): Problem[] {
  return secrets.flatMap((secret, index) => {
    const path = ['secrets', index]
    const where = `secrets[${index}]`
    if (secret.aws === null) {
      if (secret.header !== null) return []
      const message = `${where}: \`header\` is missing`
      return [
        { path, at: 'value', message, hint: 'name the header that the service reads it from' },
      ]
    }
    return [...checkForm(secret, path, where), ...checkScopes(secret, path, where)]
  })
}

function checkForm({ header, env }: SecretOf, path: (string | number)[], where: string): Problem[] {
  const problems: Problem[] = []
  if (header !== null) {
    problems.push({
      path: [...path, 'header'],
      at: 'value',
      message: `${where}: a key of AWS signs, and is in no header`,
      hint: 'leave `header` out',
    })
  }
  if (env !== null && awsVariable(env, 'id') === undefined) {
    problems.push({
      path: [...path, 'env'],
      at: 'value',
      message: `${where}.env: \`${env}\` is no variable of an access key's id`,
      hint: 'write AWS_ACCESS_KEY_ID: the others are named after it',
    })
  }
  return problems
}

function checkScopes(
  { aws, hosts }: SecretOf,
  path: (string | number)[],
  where: string,
): Problem[] {
  return hosts.flatMap((host, position): Problem[] => {
    const { region = null, service = null } = aws ?? {}
    if (awsScopeFor({ region, service }, host.replace(/^\*\./, '')) !== undefined) return []
    return [
      {
        path: [...path, 'hosts', position],
        at: 'value',
        message: `${where}.hosts[${position}]: ${host} does not say for which region and service is signed`,
        hint: 'name both in `aws`, as `region` and `service`',
      },
    ]
  })
}
