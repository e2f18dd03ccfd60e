import type { Detector } from '../detector.ts'
import { assigned } from './assigned.ts'
import { isMixed } from './plausible.ts'
import { GITLEAKS, KINGFISHER, NOSEY_PARKER } from './sources.ts'

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'

/** Keys that only their name tells from any other hexadecimal or random text. */
export const ASSIGNED_KEYS: readonly Detector[] = [
  ...assigned('https://docs.datadoghq.com/account_management/api-app-keys/', [
    ['datadog-api', ['datadog', 'dd_api', 'dd-api'], '[0-9a-f]{32}'],
    ['datadog-application', ['datadog', 'dd_app', 'dd-application'], '[0-9a-f]{40}'],
  ]),
  ...assigned('https://www.twilio.com/docs/iam/api', [
    ['twilio-auth', ['twilio'], '[0-9a-f]{32}'],
    ['twilio-api-key', ['twilio'], 'SK[0-9a-f]{32}'],
  ]),
  ...assigned('https://developers.cloudflare.com/fundamentals/api/get-started/create-token/', [
    ['cloudflare-legacy', ['cloudflare', 'cf_api'], '[\\w-]{40}', isMixed],
    ['cloudflare-legacy-global', ['cloudflare', 'cf_api', 'x-auth-key'], '[0-9a-f]{37}'],
  ]),
  ...assigned('https://www.fastly.com/documentation/reference/api/auth-tokens/', [
    ['fastly-api', ['fastly'], '[\\w-]{32}', isMixed],
  ]),
  ...assigned('https://devcenter.heroku.com/articles/platform-api-quickstart', [
    ['heroku-legacy', ['heroku'], UUID],
  ]),
  ...assigned('https://docs.snyk.io/snyk-api/authentication-for-api', [
    ['snyk-api', ['snyk'], UUID],
  ]),
  ...assigned('https://www.scaleway.com/en/docs/iam/concepts/', [
    ['scaleway-secret', ['scw_secret', 'scaleway'], UUID],
  ]),
  ...assigned('https://postmarkapp.com/developer/api/overview', [
    ['postmark-server', ['postmark'], UUID],
  ]),
  ...assigned('https://techdocs.akamai.com/linode-api/reference/api', [
    ['linode-api', ['linode'], '[0-9a-f]{64}'],
  ]),
  ...assigned('https://docs.hetzner.cloud/', [
    ['hetzner-cloud', ['hcloud', 'hetzner'], '[A-Za-z0-9]{64}', isMixed],
  ]),
  ...assigned('https://www.vultr.com/api/', [['vultr-api', ['vultr'], '[A-Z0-9]{36}']]),
  ...assigned('https://docs.mistral.ai/getting-started/quickstart/', [
    ['mistral-api', ['mistral'], '[A-Za-z0-9]{32}', isMixed],
  ]),
  ...assigned('https://docs.cohere.com/reference/about', [
    ['cohere-api', ['cohere', 'co_api'], '[A-Za-z0-9]{40}', isMixed],
  ]),
  ...assigned('https://docs.ai21.com/', [['ai21-api', ['ai21'], '[A-Za-z0-9]{32}', isMixed]]),
  ...assigned('https://developers.deepgram.com/docs/create-additional-api-keys', [
    ['deepgram-api', ['deepgram'], '[0-9a-f]{40}'],
  ]),
  ...assigned('https://www.assemblyai.com/docs/', [
    ['assemblyai-api', ['assemblyai', 'assembly_ai'], '[0-9a-f]{32}'],
  ]),
  ...assigned('https://docs.wandb.ai/quickstart/', [['wandb-legacy', ['wandb'], '[0-9a-f]{40}']]),
  ...assigned('https://serpapi.com/search-api', [
    ['serpapi-key', ['serpapi', 'serp_api'], '[0-9a-f]{64}'],
  ]),
  ...assigned('https://www.algolia.com/doc/guides/security/api-keys/', [
    ['algolia-admin', ['algolia'], '[0-9a-f]{32}'],
  ]),
  ...assigned('https://developer.okta.com/docs/guides/create-an-api-token/', [
    ['okta-api', ['okta', 'ssws'], '00[\\w-]{40}', isMixed],
  ]),
  ...assigned('https://auth0.com/docs/get-started/applications/application-settings', [
    ['auth0-client', ['auth0'], '[\\w-]{64}', isMixed],
  ]),
  ...assigned('https://docs.sonarsource.com/sonarqube-cloud/advanced-setup/tokens/', [
    ['sonarcloud-token', ['sonar'], '[0-9a-f]{40}'],
  ]),
  ...assigned('https://docs.codecov.com/docs/codecov-tokens', [
    ['codecov-upload', ['codecov'], UUID],
  ]),
  ...assigned('https://developer.travis-ci.com/authentication', [
    ['travis-api', ['travis'], '[A-Za-z0-9_-]{22}', isMixed],
  ]),
  ...assigned('https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/', [
    ['github-oauth-client', ['github_client', 'github_oauth', 'github_secret'], '[0-9a-f]{40}'],
  ]),
  ...assigned('https://api.slack.com/authentication/verifying-requests-from-slack', [
    ['slack-signing', ['slack_signing', 'slacksigning', 'slack_client_secret'], '[0-9a-f]{32}'],
  ]),
  ...assigned('https://discord.com/developers/docs/topics/oauth2', [
    ['discord-client', ['discord_client', 'discordclient'], '[\\w-]{32}', isMixed],
    [
      'discord-bot',
      ['discord', 'bot_token'],
      '[MNO][\\w-]{23,27}\\.[\\w-]{6}\\.[\\w-]{27,40}',
      isMixed,
    ],
  ]),
  ...assigned('https://ably.com/docs/auth', [
    ['ably-api', ['ably'], '[\\w-]{6}\\.[\\w-]{6}:[\\w-]{43}', isMixed],
  ]),
  ...assigned('https://pusher.com/docs/channels/library_auth_reference/rest-api/', [
    ['pusher-secret', ['pusher'], '[0-9a-f]{20}'],
  ]),
  ...assigned('https://developer.squarespace.com/commerce-apis/authentication-and-permissions', [
    ['squarespace-api', ['squarespace'], UUID],
  ]),
  ...assigned('https://developer.zendesk.com/api-reference/introduction/security-and-auth/', [
    ['zendesk-api', ['zendesk'], '[A-Za-z0-9]{40}', isMixed],
  ]),
  ...assigned(
    'https://developers.intercom.com/docs/build-an-integration/learn-more/authentication',
    [['intercom-access', ['intercom'], 'dG9r[A-Za-z0-9+/]{50,60}={0,2}', isMixed]],
  ),
  ...assigned('https://developer.pagerduty.com/docs/authentication', [
    ['pagerduty-api', ['pagerduty', 'pager_duty', 'pd_api'], '[A-Za-z0-9+_-]{20}', isMixed],
  ]),
  ...assigned('https://support.atlassian.com/opsgenie/docs/api-key-management/', [
    ['opsgenie-api', ['opsgenie'], UUID],
  ]),
  ...assigned('https://docs.rollbar.com/docs/access-tokens', [
    ['rollbar-access', ['rollbar'], '[0-9a-f]{32}'],
  ]),
  ...assigned('https://help.sumologic.com/docs/manage/security/access-keys/', [
    ['sumologic-access', ['sumo_', 'sumologic'], '[A-Za-z0-9]{64}', isMixed],
  ]),
  ...assigned('https://docs.splunk.com/Documentation/Splunk/latest/Data/UsetheHTTPEventCollector', [
    ['splunk-hec', ['splunk'], UUID],
  ]),
  ...assigned('https://docs.x.com/fundamentals/authentication/oauth-1-0a/api-key-and-secret', [
    ['x-api-secret', ['twitter_api', 'twitter_consumer'], '[A-Za-z0-9]{50}', isMixed],
    ['x-access-secret', ['twitter_access'], '[A-Za-z0-9]{45}', isMixed],
  ]),
  ...assigned('https://learn.microsoft.com/en-us/linkedin/shared/authentication/', [
    ['linkedin-client', ['linkedin'], '[A-Za-z0-9]{16}', isMixed],
  ]),
  ...assigned('https://dev.twitch.tv/docs/authentication/', [
    ['twitch-client', ['twitch'], '[a-z0-9]{30}'],
  ]),
  ...assigned('https://developers.coinbase.com/docs/wallet/api-key-authentication', [
    ['coinbase-secret', ['coinbase'], '[A-Za-z0-9]{32}', isMixed],
  ]),
  ...assigned('https://docs.kraken.com/api/docs/guides/spot-rest-auth/', [
    ['kraken-private', ['kraken'], '[A-Za-z0-9+/]{86}=='],
  ]),
  ...assigned('https://developers.binance.com/docs/binance-spot-api-docs/', [
    ['binance-secret', ['binance'], '[A-Za-z0-9]{64}', isMixed],
  ]),
  ...assigned('https://docs.alchemy.com/', [['alchemy-api', ['alchemy'], '[\\w-]{32}', isMixed]]),
  ...assigned('https://docs.metamask.io/services/', [
    ['infura-secret', ['infura'], '[0-9a-f]{32}'],
  ]),
  ...assigned('https://docs.etherscan.io/getting-started/viewing-api-usage-statistics', [
    ['etherscan-api', ['etherscan'], '[A-Z0-9]{34}'],
  ]),
  ...assigned('https://openweathermap.org/appid', [
    ['openweather-api', ['openweather', 'owm_api'], '[0-9a-f]{32}'],
  ]),
  ...assigned(GITLEAKS, [
    ['mattermost-access', ['mattermost'], '[a-z0-9]{26}'],
    ['messagebird-api', ['messagebird', 'message_bird'], '[A-Za-z0-9]{25}', isMixed],
    ['netlify-legacy', ['netlify'], '[\\w-]{43}', isMixed],
    ['freshbooks-access', ['freshbooks'], '[0-9a-f]{64}'],
    ['launchdarkly-legacy', ['launchdarkly'], '[\\w=-]{40}', isMixed],
    ['alibaba-secret', ['alibaba', 'aliyun'], '[A-Za-z0-9]{30}', isMixed],
    ['meraki-api', ['meraki'], '[0-9a-f]{40}'],
    ['drone-ci', ['drone_'], '[A-Za-z0-9]{32}', isMixed],
  ]),
  ...assigned(KINGFISHER, [
    ['vercel-legacy', ['vercel'], '[A-Za-z0-9]{24}', isMixed],
    ['tencent-secret-key', ['tencent', 'qcloud'], '[A-Za-z0-9]{32}', isMixed],
    ['ngrok-authtoken', ['ngrok'], '[0-9A-Za-z]{27}_[0-9A-Za-z]{21}', isMixed],
  ]),
  ...assigned(NOSEY_PARKER, [
    ['segment-write', ['segment_write', 'segmentwrite'], '[A-Za-z0-9]{32}', isMixed],
    ['sauce-access', ['sauce_', 'saucelabs'], UUID],
    ['codeclimate-reporter', ['cc_test_reporter', 'codeclimate'], '[0-9a-f]{64}'],
  ]),
]
