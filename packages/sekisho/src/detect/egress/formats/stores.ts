import type { Detector } from '../detector.ts'
import { isMixed } from './plausible.ts'
import { GITLEAKS, KINGFISHER } from './sources.ts'
import { infixTokens, tokens } from './token.ts'

/** Databases, data platforms and keepers of secrets. */
export const STORES: readonly Detector[] = [
  ...tokens('https://supabase.com/docs/guides/api/api-keys', [
    ['supabase-management', 'sbp_[0-9a-f]{40}'],
    ['supabase-oauth', 'sbp_oauth_[0-9a-f]{40}'],
    ['supabase-secret', 'sb_secret_[\\w-]{31,36}'],
  ]),
  ...tokens('https://planetscale.com/docs/api/reference/service-tokens', [
    ['planetscale-service', 'pscale_tkn_[\\w=.-]{32,64}'],
    ['planetscale-oauth', 'pscale_oauth_[\\w=.-]{32,64}'],
    ['planetscale-password', 'pscale_pw_[\\w=.-]{32,64}'],
  ]),
  ...tokens('https://neon.com/docs/manage/api-keys', [['neon-api', 'napi_[a-z0-9]{64}']]),
  ...tokens('https://www.mongodb.com/docs/atlas/configure-api-access/', [
    ['mongodb-service-account', 'mdb_sa_sk_[\\w-]{40}'],
  ]),
  ...tokens('https://www.cockroachlabs.com/docs/cockroachcloud/managing-access', [
    ['cockroach-cloud', 'CCDB1_[A-Za-z0-9]{22}_[A-Za-z0-9]{40}'],
  ]),
  ...tokens('https://docs.databricks.com/aws/en/dev-tools/auth/pat', [
    ['databricks-pat', 'dapi[0-9a-f]{32}(?:-\\d)?'],
    ['databricks-oauth', 'dose[0-9a-f]{32}'],
  ]),
  ...tokens('https://clickhouse.com/docs/cloud/manage/openapi', [
    ['clickhouse-cloud', '4b1d[A-Za-z0-9]{38}', isMixed],
  ]),
  ...tokens('https://aiven.io/docs/platform/concepts/authentication-tokens', [
    ['aiven-service-password', 'AVNS_[\\w-]{19}'],
  ]),
  ...tokens('https://developer.hashicorp.com/vault/docs/concepts/tokens', [
    ['vault-service', 'hvs\\.[\\w-]{24,140}'],
    ['vault-batch', 'hvb\\.[\\w-]{100,300}'],
    ['vault-recovery', 'hvr\\.[\\w-]{24,140}'],
  ]),
  ...infixTokens(
    'https://developer.hashicorp.com/terraform/cloud-docs/users-teams-organizations/api-tokens',
    [['terraform-cloud', '[A-Za-z0-9]{14}', '.atlasv1.', '[\\w=-]{60,70}']],
  ),
  ...tokens('https://www.pulumi.com/docs/pulumi-cloud/access-management/access-tokens/', [
    ['pulumi-access', 'pul-[0-9a-f]{40}'],
  ]),
  ...tokens('https://docs.doppler.com/reference/auth-token-formats', [
    ['doppler-personal', 'dp\\.pt\\.[A-Za-z0-9]{40,44}'],
    ['doppler-service', 'dp\\.st\\.(?:[a-z0-9_-]{2,35}\\.)?[A-Za-z0-9]{40,44}'],
    ['doppler-service-account', 'dp\\.sa\\.[A-Za-z0-9]{40,44}'],
    ['doppler-cli', 'dp\\.ct\\.[A-Za-z0-9]{40,44}'],
    ['doppler-scim', 'dp\\.scim\\.[A-Za-z0-9]{40,44}'],
    ['doppler-audit', 'dp\\.audit\\.[A-Za-z0-9]{40,44}'],
  ]),
  ...tokens('https://infisical.com/docs/documentation/platform/token', [
    ['infisical-service', 'st\\.[0-9a-f]{24}\\.[0-9a-f]{32}\\.[0-9a-f]{32}'],
  ]),
  ...tokens('https://developer.1password.com/docs/service-accounts/', [
    ['onepassword-service-account', 'ops_eyJ[A-Za-z0-9+/_-]{250,1500}={0,3}'],
  ]),
  ...tokens('https://support.1password.com/secret-key-security/', [
    [
      'onepassword-secret-key',
      'A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}',
    ],
  ]),
  ...infixTokens('https://dev.maxmind.com/license-key-validation-regular-expression', [
    ['maxmind-license', '[A-Za-z0-9]{6}_[A-Za-z0-9]{29}', '_mmk', ''],
  ]),
  ...tokens('https://www.elastic.co/docs/deploy-manage/api-keys', [
    ['elastic-serverless', 'essu_[A-Za-z0-9+/]{60,140}={0,2}'],
  ]),
  ...tokens('https://www.tinybird.co/docs/forward/administration/tokens', [
    ['tinybird-auth', 'p\\.eyJ[\\w-]{20,400}\\.[\\w-]{43}'],
  ]),
  ...tokens(GITLEAKS, [['settlemint', 'sm_(?:aat|pat|sat)_[a-zA-Z0-9]{16}', isMixed]]),
  ...tokens(KINGFISHER, [
    ['confluent-cloud', 'cflt[A-Za-z0-9+/]{60}', isMixed],
    ['context7-api', 'ctx7sk-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'],
  ]),
]
