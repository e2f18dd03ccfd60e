import type { Detector } from '../detector.ts'
import { isMixed } from './plausible.ts'
import { infixTokens, tokens } from './token.ts'

/** Money, shops and parcels. */
export const PAYMENTS: readonly Detector[] = [
  ...tokens('https://docs.stripe.com/keys', [
    ['stripe-secret', 'sk_(?:live|test)_[A-Za-z0-9]{24,120}'],
    ['stripe-restricted', 'rk_(?:live|test)_[A-Za-z0-9]{24,120}'],
  ]),
  ...tokens('https://docs.stripe.com/webhooks/signature', [
    ['stripe-webhook', 'whsec_[A-Za-z0-9+/]{32,64}={0,2}'],
  ]),
  ...tokens('https://developer.squareup.com/docs/build-basics/access-tokens', [
    ['square-access', 'EAAA[A-Za-z0-9_-]{60}', isMixed],
    ['square-legacy', 'sq0(?:atp|csp|idp)-[\\w-]{22,43}'],
  ]),
  ...infixTokens('https://developer.paypal.com/braintree/docs/guides/authorization/overview', [
    ['braintree-access', '', 'access_token$production$', '[0-9a-z]{16}\\$[0-9a-f]{32}'],
    ['braintree-sandbox', '', 'access_token$sandbox$', '[0-9a-z]{16}\\$[0-9a-f]{32}'],
  ]),
  ...tokens('https://docs.adyen.com/development-resources/api-credentials/', [
    ['adyen-api', 'AQE[a-z][\\w+/=-]{80,220}', isMixed],
  ]),
  ...tokens('https://plaid.com/docs/api/tokens/', [
    [
      'plaid-access',
      'access-(?:sandbox|development|production)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}',
    ],
  ]),
  ...tokens('https://developer.flutterwave.com/docs/authentication', [
    ['flutterwave-secret', 'FLWSECK(?:_TEST)?-[0-9a-zA-Z]{32}-X'],
    ['flutterwave-encryption', 'FLWSECK_TEST[0-9a-f]{12}'],
  ]),
  ...tokens('https://docs.mollie.com/reference/authentication', [
    ['mollie-live', 'live_[A-Za-z0-9]{30}', isMixed],
    ['mollie-access', 'access_[A-Za-z0-9]{30}', isMixed],
  ]),
  ...tokens('https://developer.gocardless.com/getting-started/api/', [
    ['gocardless-live', 'live_[\\w-]{40}', isMixed],
  ]),
  ...tokens('https://docs.lob.com/#section/Authentication', [['lob-live', 'live_[0-9a-f]{35}']]),
  ...tokens('https://docs.goshippo.com/docs/guides_general/authentication/', [
    ['shippo-api', 'shippo_(?:live|test)_[0-9a-f]{40}'],
  ]),
  ...tokens('https://docs.easypost.com/docs/authentication', [
    ['easypost-api', 'EZAK[A-Za-z0-9]{54}'],
    ['easypost-test', 'EZTK[A-Za-z0-9]{54}'],
  ]),
  ...tokens('https://duffel.com/docs/api/overview/making-requests', [
    ['duffel-api', 'duffel_(?:live|test)_[\\w=-]{43}'],
  ]),
  ...tokens('https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens', [
    ['shopify-access', 'shpat_[0-9a-fA-F]{32}'],
    ['shopify-custom-app', 'shpca_[0-9a-fA-F]{32}'],
    ['shopify-private-app', 'shppa_[0-9a-fA-F]{32}'],
    ['shopify-shared', 'shpss_[0-9a-fA-F]{32}'],
    ['shopify-theme', 'shptka_[0-9a-fA-F]{32}'],
    ['shopify-partner', 'prtapi_[0-9a-fA-F]{32}'],
  ]),
  ...tokens('https://woocommerce.github.io/woocommerce-rest-api-docs/#authentication', [
    ['woocommerce-secret', 'cs_[0-9a-f]{40}'],
    ['woocommerce-key', 'ck_[0-9a-f]{40}'],
  ]),
  ...tokens('https://www.mercadopago.com/developers/en/docs/your-integrations/credentials', [
    ['mercadopago-access', 'APP_USR-\\d{13,16}-\\d{6}-[0-9a-f]{32}-\\d{6,12}'],
  ]),
  ...tokens('https://developer.paddle.com/api-reference/about/api-keys', [
    ['paddle-api', 'pdl_(?:live|sdbx)_apikey_[a-z0-9]{26}_[A-Za-z0-9]{22}_[A-Za-z0-9]{3}'],
  ]),
  ...tokens('https://docs.mercury.com/docs/api-token-security-policies', [
    ['mercury-api', 'mercury_(?:production|sandbox)_[a-z]{3}_[A-Za-z0-9]{40,60}'],
  ]),
  ...tokens('https://developer.brex.com/docs/authentication/', [
    ['brex-user', 'bxt_[A-Za-z0-9]{36}'],
  ]),
  ...tokens('https://razorpay.com/docs/api/authentication/', [
    ['razorpay-key', 'rzp_live_[A-Za-z0-9]{14}'],
  ]),
  ...tokens('https://xendit.co/en/docs/', [['xendit-secret', 'xnd_production_[A-Za-z0-9]{50,70}']]),
]
