import type { Detector } from '../detector.ts'
import { isMixed } from './plausible.ts'
import { infixTokens, tokens } from './token.ts'

/** Chat, mail and calls. */
export const MESSAGING: readonly Detector[] = [
  ...tokens('https://docs.slack.dev/authentication/tokens', [
    ['slack-bot', 'xoxb-\\d{8,14}-(?:\\d{8,14}-)?[A-Za-z0-9]{18,40}'],
    ['slack-user', 'xoxp-\\d{8,14}-\\d{8,14}-(?:\\d{8,14}-)?[A-Za-z0-9]{28,40}'],
    ['slack-legacy', 'xox[aceorsd]-(?:\\d{1,15}-){1,3}[A-Za-z0-9]{10,64}'],
    ['slack-app', 'xapp-\\d-[A-Z0-9]{9,13}-\\d{10,14}-[0-9a-f]{64}'],
    ['slack-configuration', 'xoxe\\.xox[bp]-\\d-[A-Za-z0-9]{160,170}'],
    ['slack-configuration-refresh', 'xoxe-\\d-[A-Za-z0-9]{140,150}'],
    ['slack-session-cookie', 'xoxd-[\\w%+/=-]{60,400}'],
  ]),
  ...tokens('https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks', [
    [
      'slack-webhook',
      'hooks\\.slack\\.com/services/T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/[A-Za-z0-9]{24}',
    ],
    ['slack-workflow', 'hooks\\.slack\\.com/(?:workflows|triggers)/[A-Za-z0-9/]{40,60}'],
  ]),
  ...tokens('https://discord.com/developers/docs/resources/webhook', [
    ['discord-webhook', 'discord(?:app)?\\.com/api/webhooks/\\d{17,20}/[\\w-]{60,72}'],
  ]),
  ...infixTokens('https://core.telegram.org/bots/api#authorizing-your-bot', [
    ['telegram-bot', '\\d{10}', ':AA', '[\\w-]{33}', isMixed],
  ]),
  ...tokens('https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/', [
    [
      'teams-webhook',
      'webhook\\.office\\.com/webhookb2/[0-9a-f-]{36}@[0-9a-f-]{36}/IncomingWebhook/[0-9a-f]{32}/[0-9a-f-]{36}',
    ],
  ]),
  ...tokens('https://www.twilio.com/docs/sendgrid/ui/account-and-settings/api-keys', [
    ['sendgrid-api', 'SG\\.[\\w-]{22}\\.[\\w-]{43}'],
  ]),
  ...infixTokens('https://mailchimp.com/developer/marketing/guides/quick-start/', [
    ['mailchimp-api', '[0-9a-f]{32}', '-us', '\\d{1,2}'],
  ]),
  ...tokens('https://mailchimp.com/developer/transactional/guides/quick-start/', [
    ['mandrill-api', 'md-[\\w-]{22}', isMixed],
  ]),
  ...tokens('https://documentation.mailgun.com/docs/mailgun/api-reference/mg-auth', [
    ['mailgun-api', 'key-[0-9a-f]{32}'],
  ]),
  ...tokens('https://developers.brevo.com/docs/api-key-authentication', [
    ['brevo-api', 'xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}'],
    ['brevo-smtp', 'xsmtpsib-[0-9a-f]{64}-[A-Za-z0-9]{16}'],
  ]),
  ...tokens('https://resend.com/docs/api-reference/introduction', [
    ['resend-api', 're_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}'],
  ]),
  ...tokens('https://developers.mailersend.com/general.html', [
    ['mailersend-api', 'mlsn\\.[0-9a-f]{64}'],
  ]),
  ...tokens('https://developers.facebook.com/docs/facebook-login/guides/access-tokens', [
    ['facebook-access', 'EAA[A-Za-z0-9]{100,400}', isMixed],
    ['facebook-app', 'EAAC[A-Za-z0-9]{100,400}', isMixed],
    ['instagram-access', 'IGQV[\\w-]{100,400}', isMixed],
  ]),
  ...tokens('https://developers.hubspot.com/docs/guides/apps/private-apps/overview', [
    ['hubspot-private-app', 'pat-(?:na|eu|ap)\\d-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'],
  ]),
  ...tokens('https://documentation.onesignal.com/docs/keys-and-ids', [
    ['onesignal-api', 'os_v2_(?:app|org)_[a-z0-9]{90,120}'],
  ]),
  ...tokens('https://www.pubnub.com/docs/general/basics/initialize-pubnub', [
    ['pubnub-secret', 'sec-c-[\\w=+/-]{36,80}'],
  ]),
  ...tokens('https://spec.matrix.org/latest/client-server-api/', [
    ['matrix-access', 'syt_[A-Za-z0-9]{2,80}_[A-Za-z]{20}_[A-Za-z0-9]{6}'],
  ]),
  ...tokens('https://developers.telnyx.com/development/api-fundamentals/authentication', [
    ['telnyx-api', 'KEY01[0-9A-Z]{30}_[A-Za-z0-9]{22}'],
  ]),
  ...tokens('https://developers.klaviyo.com/en/docs/authenticate_', [
    ['klaviyo-private', 'pk_[0-9a-f]{34}'],
  ]),
]
