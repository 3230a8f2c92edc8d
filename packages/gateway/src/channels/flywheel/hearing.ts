/**
 * What is said on the channels of routers: bounded, read, and told apart. Whoever may write to Redis can say anything.
 *
 * @module
 */
import {
  DIRECTORY_TYPES,
  parseUmf,
  REFRESH_ACTION,
  UmfError,
  type UmfMessage,
  type UmfSource,
} from '@hydra-gateway/protocol/umf'
import type { Complaints } from './complaints.ts'
import { serviceProblem } from './node-entry.ts'
import type { FlywheelNetworkSettings } from './settings.ts'

export interface HearingDeps {
  readonly settings: Pick<FlywheelNetworkSettings, 'maxMessageBytes' | 'maxDirectoryBytes'>
  readonly source: UmfSource
  /** Whether a message is one of the directory, which then has dealt with it. */
  readonly takes: (message: UmfMessage) => boolean
  /** Routes are to be read again: of one service, or of all. */
  readonly onRefresh: (service: string | undefined) => void
  /** Everything else. */
  readonly onMessage: (message: UmfMessage, isBroadcast: boolean) => void
  readonly complaints: Complaints
}

/** Makes the function that reads a text from a channel. `isBroadcast`: every router got it. */
export function createHearing(deps: HearingDeps): (text: string, isBroadcast: boolean) => void {
  const { settings, source, takes, onRefresh, onMessage, complaints } = deps
  const { maxMessageBytes, maxDirectoryBytes } = settings

  function read(text: string): UmfMessage | undefined {
    // Its length is known; what it is has to be looked for.
    const isLarge = text.length > Math.min(maxMessageBytes, maxDirectoryBytes)
    if (isLarge && text.length > (isDirectory(text) ? maxDirectoryBytes : maxMessageBytes)) {
      complaints.about('message-too-large', 'a message on a channel was ignored', { bytes: text.length })
      return undefined
    }
    try {
      return parseUmf(text, source)
    } catch (error) {
      if (!(error instanceof UmfError)) throw error
      complaints.about('message', 'what came on a channel is no message', { reason: error.message })
      return undefined
    }
  }

  function refreshed(service: unknown): void {
    if (service === undefined || (typeof service === 'string' && !serviceProblem(service))) onRefresh(service)
    else complaints.about('refresh', 'a refresh names no service')
  }

  return (text, isBroadcast) => {
    const message = read(text)
    if (!message) return
    const { action, serviceName } = message.body as Readonly<Record<string, unknown>>
    if (action === REFRESH_ACTION) refreshed(serviceName)
    else if (!takes(message)) onMessage(message, isBroadcast)
  }
}

/** Whether a text, unread, looks like one that names all clients of a router: that stands before its body. */
function isDirectory(text: string): boolean {
  return text.slice(0, 1024).includes(`"${DIRECTORY_TYPES.directory}"`)
}
