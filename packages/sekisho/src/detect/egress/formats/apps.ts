import type { Detector } from '../detector.ts'
import { isMixed } from './plausible.ts'
import { endsWithHexCrc } from './checksum.ts'
import { infixTokens, tokens } from './token.ts'

/** Documents, designs, tickets, sign-in and whatever else people work with. */
export const APPS: readonly Detector[] = [
  ...tokens('https://developers.notion.com/docs/authorization', [
    ['notion-integration', 'ntn_\\d{11}[A-Za-z0-9]{35}'],
    ['notion-legacy', 'secret_[A-Za-z0-9]{43}', isMixed],
  ]),
  ...tokens('https://linear.app/developers/graphql', [
    ['linear-api', 'lin_api_[A-Za-z0-9]{40}'],
    ['linear-oauth', 'lin_oauth_[0-9a-f]{64}'],
  ]),
  ...tokens('https://www.figma.com/developers/api#access-tokens', [
    ['figma-personal', 'figd_[\\w-]{38,43}'],
    ['figma-oauth', 'figo?u_[\\w-]{38,43}'],
  ]),
  ...tokens('https://airtable.com/developers/web/api/authentication', [
    ['airtable-personal', 'pat[A-Za-z0-9]{14}\\.[0-9a-f]{64}'],
  ]),
  ...tokens('https://developer.clickup.com/docs/authentication', [
    ['clickup-personal', 'pk_\\d{6,10}_[A-Z0-9]{32}'],
  ]),
  ...tokens('https://developer.atlassian.com/cloud/trello/guides/rest-api/api-introduction/', [
    ['trello-token', 'ATTA[0-9a-f]{64}[0-9A-F]{8}'],
  ]),
  ...tokens('https://learning.postman.com/docs/developer/postman-api/authentication/', [
    ['postman-api', 'PMAK-[0-9a-f]{24}-[0-9a-f]{34}'],
    ['postman-collection', 'PMAT-[0-9A-Z]{26}'],
  ]),
  ...tokens('https://www.typeform.com/developers/get-started/personal-access-token/', [
    ['typeform-personal', 'tfp_[\\w.=-]{40,59}'],
  ]),
  ...tokens('https://cal.com/docs/api-reference/v2/introduction', [
    ['cal-live', 'cal_live_[0-9a-f]{32}'],
  ]),
  ...tokens('https://www.dropbox.com/developers/documentation/http/documentation', [
    ['dropbox-access', 'sl\\.(?:u\\.)?[\\w-]{130,1500}={0,2}'],
  ]),
  ...tokens('https://www.contentful.com/developers/docs/references/authentication/', [
    ['contentful-management', 'CFPAT-[\\w-]{43}'],
  ]),
  ...tokens('https://developer.frame.io/', [['frameio-api', 'fio-u-[\\w=-]{64}']]),
  ...tokens('https://docs.mapbox.com/help/dive-deeper/access-tokens/', [
    ['mapbox-secret', 'sk\\.eyJ[\\w-]{60,110}\\.[\\w-]{22}'],
  ]),
  ...tokens('https://stytch.com/docs/api/authentication', [
    ['stytch-secret', 'secret-(?:live|test)-[\\w=-]{36}'],
  ]),
  ...tokens('https://jumpcloud.com/support/jumpcloud-apis1', [
    ['jumpcloud-api', 'jca_[A-Za-z0-9]{36}'],
  ]),
  ...tokens('https://authress.io/knowledge-base/docs/authorization/service-clients/', [
    [
      'authress-client',
      '(?:scauth|authress)_[a-z0-9]{5,30}\\.[a-z0-9]{4,6}\\.acc[_-][a-z0-9-]{10,32}\\.[\\w+/=-]{30,120}',
    ],
  ]),
  ...infixTokens('https://docs.rapidapi.com/docs/keys', [
    ['rapidapi-key', '[0-9a-f]{10}', 'msh', '[0-9a-f]{15}p1[0-9a-f]{6}jsn[0-9a-f]{12}'],
  ]),
  ...tokens('https://developer.adobe.com/developer-console/docs/guides/authentication/', [
    ['adobe-client', 'p8e-[A-Za-z0-9_-]{32}'],
  ]),
  ...tokens('https://help.salesforce.com/s/articleView?id=sf.user_security_token.htm', [
    ['salesforce-access', '00D[A-Za-z0-9]{12,15}![A-Za-z0-9_.]{60,120}', isMixed],
  ]),
  ...tokens('https://zuplo.com/docs/articles/api-key-leak-detection', [
    ['zuplo-api', 'zpka_[0-9a-z]{32}_[0-9a-f]{8}', endsWithHexCrc],
  ]),
  ...tokens('https://docs.hcaptcha.com/', [['hcaptcha-secret', 'ES_[0-9a-f]{32}']]),
  ...tokens('https://www.canva.dev/docs/connect/authentication/', [
    ['canva-client', 'cnvca[\\w-]{51}'],
  ]),
  ...tokens('https://docs.ubidots.com/v1.6/reference/authentication', [
    ['ubidots-token', 'BBFF-[A-Za-z0-9]{30}'],
    ['ubidots-token-v2', 'BBUS-[A-Za-z0-9]{30}'],
  ]),
  ...tokens('https://docs.withpersona.com/api-keys', [
    ['persona-api', 'persona_(?:production|sandbox)_[a-z0-9-]{36}'],
  ]),
  ...tokens('https://io.adafruit.com/api/docs/#authentication', [
    ['adafruit-io', 'aio_[A-Za-z0-9]{28}'],
  ]),
]
