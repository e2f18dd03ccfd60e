import type { PopularList } from '../popular-names.ts'
import { NAMES as PART_1 } from './part-1.ts'
import { NAMES as PART_2 } from './part-2.ts'
import { NAMES as PART_3 } from './part-3.ts'

/** Projects on PyPI that Debian has packaged. Made by scripts/pypi-names.ts. */
export const PYPI_NAMES: PopularList = {
  source: 'Debian (dh-python 5.20230130, 2023-01-30)',
  names: [PART_1, PART_2, PART_3].flatMap((part) => part.trim().split(/\s+/)),
}
