/** For which service in which region something is signed. */
export type AwsScope = { region: string; service: string }

const REGION = /^(?:[a-z]{2,3}(?:-[a-z]+)+-\d{1,2})$/
const SUFFIX = /\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|api\.aws)$/

/** Names of hosts that are not the names that their services sign by; from AWS's endpoint models. */
const SIGNED_AS: ReadonlyMap<string, string> = new Map([
  ['bedrock-runtime', 'bedrock'],
  ['bedrock-agent', 'bedrock'],
  ['bedrock-agent-runtime', 'bedrock'],
  ['email', 'ses'],
  ['runtime.sagemaker', 'sagemaker'],
  ['api.sagemaker', 'sagemaker'],
  ['api.ecr', 'ecr'],
  ['s3.dualstack', 's3'],
  ['data.iot', 'iotdata'],
  ['streams.dynamodb', 'dynamodb'],
])

/** Services whose names stand behind what is somebody's own: a bucket, a table of an API. */
const BEHIND_OWN: readonly string[] = ['s3', 'execute-api', 'es', 'aoss', 'dkr.ecr']

/** Those with one endpoint for the world; all of them are signed for here. */
const GLOBAL_REGION = 'us-east-1'
const GLOBAL: ReadonlySet<string> = new Set(['sts', 's3', 'iam', 'organizations', 'route53'])

/**
 * What requests to one of AWS's hosts are signed for: `bedrock-runtime.eu-west-1.amazonaws.com`,
 * `BUCKET.s3.us-east-1.amazonaws.com`, `sts.amazonaws.com`. Undefined where its name does not tell.
 * https://docs.aws.amazon.com/general/latest/gr/rande.html
 *
 * @param host canonical
 */
export function awsScopeOf(host: string): AwsScope | undefined {
  if (!SUFFIX.test(host)) return undefined
  const labels = host.replace(SUFFIX, '').split('.')
  const at = labels.findLastIndex((label) => REGION.test(label))
  const region = labels[at]
  if (region === undefined) return globalScope(labels)
  // a domain of OpenSearch has its region in front of its service
  const name = at === labels.length - 1 ? labels.slice(0, at) : labels.slice(at + 1)
  const service = serviceOf(name.join('.').replace(/-fips(?=\.|$)/, ''))
  return service === undefined ? undefined : { region, service }
}

function globalScope(labels: readonly string[]): AwsScope | undefined {
  const service = labels.at(-1) ?? ''
  const isOwn = labels.length > 1 && service !== 's3'
  return GLOBAL.has(service) && !isOwn ? { region: GLOBAL_REGION, service } : undefined
}

function serviceOf(name: string): string | undefined {
  const known = SIGNED_AS.get(name)
  if (known !== undefined) return known
  if (/^[a-z0-9-]+$/.test(name)) return name
  if (name.endsWith('.s3.dualstack')) return 's3'
  const own = BEHIND_OWN.find((service) => name.endsWith(`.${service}`))
  return own === 'dkr.ecr' ? 'ecr' : own
}

/** As {@link awsScopeOf}, but for what was said of it. */
export function awsScopeFor(
  { region, service }: { region: string | null; service: string | null },
  host: string,
): AwsScope | undefined {
  if (region !== null && service !== null) return { region, service }
  const told = awsScopeOf(host)
  return told === undefined
    ? undefined
    : { region: region ?? told.region, service: service ?? told.service }
}
