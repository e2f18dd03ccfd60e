import type { Detector } from '../detector.ts'
import { card } from './card.ts'
import { email } from './email.ts'
import { iban } from './iban.ts'
import { myNumber } from './my-number.ts'
import { nino, ssn } from './national-ids.ts'
import { phone } from './phone.ts'

/** Personal data that has a form of its own. */
export const PERSONAL_DATA: readonly Detector[] = [card, email, iban, myNumber, nino, phone, ssn]
