import type { Detector } from '../detector.ts'
import { endsWithCrc } from './checksum.ts'
import { isMixed } from './plausible.ts'
import { GITLEAKS, KINGFISHER } from './sources.ts'
import { infixTokens, tokens } from './token.ts'

/** Keys that Microsoft's services sign: letters in a fixed place, then a checksum. */
const AZURE_SIGNATURES =
  'https://learn.microsoft.com/en-us/purview/sit-defn-azure-storage-account-key'

/** Where programs run and what they run on. AWS has a file of its own. */
export const CLOUDS: readonly Detector[] = [
  ...tokens('https://cloud.google.com/docs/authentication/api-keys', [
    ['google-api', 'AIza[\\w-]{35}'],
  ]),
  ...tokens('https://developers.google.com/identity/protocols/oauth2', [
    ['google-oauth-client', 'GOCSPX-[\\w-]{28}'],
    ['google-oauth-access', 'ya29\\.[\\w-]{60,1000}'],
    ['google-oauth-refresh', '1//0[\\w-]{80,140}'],
  ]),
  ...tokens('https://cloud.google.com/storage/docs/authentication/hmackeys', [
    ['google-storage-hmac', 'GOOG1E[A-Z0-9]{55}'],
  ]),
  ...infixTokens(
    'https://learn.microsoft.com/en-us/entra/identity-platform/quickstart-register-app',
    [['azure-client', '[\\w~.]{3}\\d', 'Q~', '[\\w~.-]{31,34}']],
  ),
  ...tokens(
    'https://learn.microsoft.com/en-us/azure/storage/common/storage-configure-connection-string',
    [
      ['azure-storage', 'AccountKey=[A-Za-z0-9+/]{86}=='],
      ['azure-shared-access', 'SharedAccessKey=[A-Za-z0-9+/]{43}='],
    ],
  ),
  ...infixTokens(AZURE_SIGNATURES, [
    ['azure-container-registry', '[A-Za-z0-9+/]{42}', '+ACR', '[A-Za-z0-9]{6}'],
    ['azure-storage-key', '[A-Za-z0-9+/]{76}', '+ASt', '[A-Za-z0-9+/]{6}=='],
    ['azure-cosmos', '[A-Za-z0-9+/]{76}', 'ACDb', '[A-Za-z0-9+/]{6}=='],
    ['azure-batch', '[A-Za-z0-9+/]{76}', '+ABa', '[A-Za-z0-9+/]{6}=='],
    ['azure-iot', '[A-Za-z0-9+/]{33}', 'AIoT', '[A-Za-z0-9+/]{6}='],
    ['azure-service-bus', '[A-Za-z0-9+/]{33}', '+ASb', '[A-Za-z0-9+/]{6}='],
    ['azure-event-hub', '[A-Za-z0-9+/]{33}', '+AEh', '[A-Za-z0-9+/]{6}='],
    ['azure-relay', '[A-Za-z0-9+/]{33}', '+ARm', '[A-Za-z0-9+/]{6}='],
    ['azure-redis', '[A-Za-z0-9+/]{33}', 'AzCa', '[A-Za-z0-9+/]{6}='],
    ['azure-functions', '[\\w-]{44}', 'AzFu', '[\\w-]{6}=='],
    ['azure-search', '[A-Za-z0-9]{42}', 'AzSe', '[A-Za-z0-9]{6}'],
  ]),
  ...infixTokens(KINGFISHER, [['azure-ai', '[A-Za-z0-9]{32}', 'JQQJ99', '[A-Za-z0-9]{46}']]),
  ...tokens('https://docs.digitalocean.com/reference/api/create-personal-access-token/', [
    ['digitalocean-pat', 'dop_v1_[0-9a-f]{64}'],
    ['digitalocean-oauth', 'doo_v1_[0-9a-f]{64}'],
    ['digitalocean-refresh', 'dor_v1_[0-9a-f]{64}'],
  ]),
  ...tokens('https://devcenter.heroku.com/changelog-items/3175', [
    ['heroku-api', 'HRKU-AA[\\w-]{58}'],
  ]),
  ...tokens('https://developers.cloudflare.com/fundamentals/api/get-started/token-formats/', [
    ['cloudflare-user', 'cfut_[\\w-]{41,64}'],
    ['cloudflare-account', 'cfat_[\\w-]{41,64}'],
    ['cloudflare-global', 'cfk_[\\w-]{41,64}'],
  ]),
  ...tokens('https://developers.cloudflare.com/fundamentals/api/get-started/ca-keys/', [
    ['cloudflare-origin-ca', 'v1\\.0-[0-9a-f]{24}-[0-9a-f]{146}'],
  ]),
  ...tokens('https://fly.io/docs/security/tokens/', [
    ['fly-access', 'fo1_[\\w-]{43}'],
    ['fly-macaroon', 'fm(?:1a|1r|2)_[A-Za-z0-9+/]{100,2000}={0,3}'],
  ]),
  ...tokens('https://vercel.com/changelog/new-token-formats-and-secret-scanning', [
    ['vercel-personal', 'vcp_[\\w-]{50}[0-9A-Za-z]{6}', endsWithCrc],
    ['vercel-integration', 'vci_[\\w-]{50}[0-9A-Za-z]{6}', endsWithCrc],
    ['vercel-app-access', 'vca_[\\w-]{50}[0-9A-Za-z]{6}', endsWithCrc],
    ['vercel-app-refresh', 'vcr_[\\w-]{50}[0-9A-Za-z]{6}', endsWithCrc],
    ['vercel-ai-gateway', 'vck_[\\w-]{50}[0-9A-Za-z]{6}', endsWithCrc],
  ]),
  ...tokens('https://docs.netlify.com/api/get-started/', [['netlify-pat', 'nfp_[A-Za-z0-9]{36}']]),
  ...tokens('https://render.com/docs/api', [['render-api', 'rnd_[A-Za-z0-9]{28,40}']]),
  ...tokens('https://www.alibabacloud.com/help/en/ram/user-guide/create-an-accesskey-pair', [
    ['alibaba-access', 'LTAI[A-Za-z0-9]{20}', isMixed],
  ]),
  ...tokens('https://www.tencentcloud.com/document/product/598/34228', [
    ['tencent-secret-id', 'AKID[A-Za-z0-9]{32}', isMixed],
    ['tencent-temporary-id', 'IKID[A-Za-z0-9]{32}', isMixed],
  ]),
  ...tokens('https://yandex.cloud/en/docs/iam/concepts/authorization/api-key', [
    ['yandex-api', 'AQVN[\\w-]{35,38}'],
    ['yandex-iam', 't1\\.9eu[\\w-]{20,400}={0,2}\\.[\\w-]{86}={0,2}'],
    ['yandex-oauth', 'y0_[\\w-]{55,60}'],
    ['yandex-static', 'YC(?:M|N|O|P)[\\w-]{37}'],
  ]),
  ...tokens('https://doc.scalingo.com/platform/user-management/api-tokens', [
    ['scalingo-api', 'tk-us-[\\w-]{48}'],
  ]),
  ...tokens('https://tailscale.com/kb/1277/key-prefixes', [
    ['tailscale', 'tskey-(?:api|auth|client|scim|webhook)-[0-9A-Za-z]{10,24}-[0-9A-Za-z]{20,40}'],
  ]),
  ...tokens('https://docs.netbird.io/how-to/access-netbird-public-api', [
    ['netbird-pat', 'nbp_[A-Za-z0-9]{36}'],
  ]),
  ...tokens('https://docs.defined.net/guides/automating-host-creation/', [
    ['defined-networking', 'dnkey-[A-Z0-9]{26}-[A-Z0-9]{52}'],
  ]),
  ...tokens('https://upcloud.com/docs/guides/getting-started-upcloud-api/', [
    ['upcloud-api', 'ucat_[A-Z0-9]{26}'],
  ]),
  ...tokens(GITLEAKS, [
    ['cast-ai', 'castai_v1_[0-9a-f]{64}_[0-9a-f]{8}'],
    ['prefect-user', 'pnu_[a-zA-Z0-9]{36}'],
    ['prefect-bot', 'pnb_[a-zA-Z0-9]{36}'],
  ]),
]
