import * as z from 'zod'
import type { ModelPrice } from '../wire/llm.ts'
import { CountText, Usd } from './amounts.ts'
import { explainRepeated } from './explain-repeated.ts'
import { explainUnknown } from './known-names.ts'
import { printable, type Read } from './problem.ts'
import { readStrictFile } from './strict-file.ts'
import { text } from './text.ts'

/** For a million tokens of each class. */
const Rates = z.strictObject({
  input: Usd,
  cacheRead: Usd,
  cacheWrite: Usd,
  cacheWriteLong: Usd.optional(),
  output: Usd,
})

const PriceFile = z.strictObject({
  model: z
    .string()
    .min(1)
    .max(256)
    .regex(/^[^*\s]+\*?$|^\*$/, 'a `*` stands at the end alone'),
  provider: z
    .string()
    .max(64)
    .optional()
    .transform((provider) => provider ?? null),
  ...Rates.shape,
  above: Rates.extend({ promptTokens: CountText }).optional(),
  tiers: z.record(z.string().min(1).max(32), text(readPercent)).optional(),
  contextTokens: CountText.optional(),
  maxOutputTokens: CountText.refine((tokens) => tokens > 0, 'a reply has at least one token'),
  from: z.iso.date('want a day such as 2026-11-01'),
})

/** `200%` */
function readPercent(input: string): Read<number> {
  const [, digits] = /^(0|[1-9]\d{0,5})%$/.exec(input) ?? []
  if (digits !== undefined && Number(digits) <= 100_000) return { value: Number(digits) }
  return { problem: `want a part of the price such as 200%, not \`${printable(input, 32)}\`` }
}

const PricesSchema = z.strictObject({
  version: z.literal(1),
  prices: z.array(PriceFile).max(2000),
})

/**
 * What models cost: `prices.yaml`.
 *
 * @param known ids of providers
 * @throws SekishoError CONFIG_INVALID with file, line and column
 */
export function parsePrices(
  source: string,
  path: string,
  known: { providers: readonly string[] },
): ModelPrice[] {
  return readStrictFile(source, path, {
    schema: PricesSchema,
    check: ({ prices }) => [
      ...explainRepeated(['prices'], 'model', { items: prices, keyOf }),
      ...prices.flatMap(({ provider }, index) =>
        explainUnknown(['prices', index, 'provider'], provider, {
          what: 'provider',
          known: known.providers,
        }),
      ),
    ],
  }).prices
}

function keyOf({ model, provider, from }: ModelPrice): string {
  return `${provider === null ? '' : `${provider} `}${model} from ${from}`
}
