import type { ModelApi } from '../../core/action.ts'
import { CHAT_FORMAT } from './chat-format.ts'
import { GEMINI_FORMAT } from './gemini-format.ts'
import { MESSAGES_FORMAT } from './messages-format.ts'
import type { RequestFormat } from './request-format.ts'
import { RESPONSES_FORMAT } from './responses-format.ts'

export const REQUEST_FORMATS: Readonly<Record<ModelApi, RequestFormat>> = {
  messages: MESSAGES_FORMAT,
  responses: RESPONSES_FORMAT,
  chat: CHAT_FORMAT,
  gemini: GEMINI_FORMAT,
}
