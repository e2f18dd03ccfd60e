/** Prints what the last run of matrix.e2e.ts has found. */
import { matrixTable, readResults } from './results.ts'

process.stdout.write(matrixTable(readResults()))
