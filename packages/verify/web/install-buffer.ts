import { installBuffer } from './page-buffer.ts'

installBuffer()
