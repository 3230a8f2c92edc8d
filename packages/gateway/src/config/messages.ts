/**
 * Limits of messages and of the sockets they come by, as a person may write them.
 *
 * @module
 */
import { z } from 'zod'
import { count, duration, limitedSize, size } from './setting.ts'

export const messages = z
  .strictObject({
    maxBytes: limitedSize(1024, 8 * 2 ** 20)
      .prefault('1MiB')
      .describe('Largest message; above: it is refused, over a WebSocket with the code 1009.'),
    maxClients: count(0, 1_000_000)
      .prefault(20_000)
      .describe('Most clients with an open socket at a time; others get 503. 0: none.'),
    maxClientsPerAddress: count(1, 1_000_000)
      .prefault(1000)
      .describe('Most of them of one address; of IPv6, of one /64.'),
    burst: count(1).prefault(200).describe('Messages a client may send in one go; above: they are refused.'),
    rate: count(1).prefault(100).describe('How many more it may send each second.'),
    maxBehind: size(1024)
      .prefault('1MiB')
      .describe(
        'Most bytes that wait for a client which does not read; above, its socket is cut with the code 4408.',
      ),
    maxBehindTotal: size(1024)
      .prefault('256MiB')
      .describe(
        'Most bytes that wait for all clients together; above, those furthest behind are cut (4408).',
      ),
    maxUnfinishedTotal: size(1024)
      .prefault('64MiB')
      .describe(
        'Most bytes that have come of messages that are not whole yet, of all clients together; above, those that sent most are cut (1013).',
      ),
    maxHeaders: count(0, 100).prefault(100).describe('Most headers (`hdr`) of one message.'),
    maxHeaderBytes: size(64)
      .prefault('16KiB')
      .describe('Most characters of all of them; above, the message is refused.'),
    heartbeat: duration(1000)
      .prefault('25s')
      .describe('How often a client is pinged; one that is silent for two of these is gone.'),
    callTimeout: duration()
      .prefault('5s')
      .describe('Until a service has to have taken a message, or answered one with a method.'),
    sessionsPerMinute: count(1, 1_000_000)
      .prefault(600)
      .describe(
        'How many clients of one network may begin to resume each minute; as many as may be connected (`maxClientsPerAddress`) at once. Who comes back to a session is not counted.',
      ),
    keepMessages: count(1, 1_000_000)
      .prefault(1000)
      .describe(
        'Most messages kept for one client, until it has confirmed them; above, the oldest go and it is told.',
      ),
    keepBytes: size(1024).prefault('1MiB').describe('Most bytes of them.'),
    keepFor: duration(1000)
      .prefault('24h')
      .describe('How long they are kept, and how long a client may stay away.'),
    keepUnused: duration(1000)
      .prefault('1h')
      .describe(
        'The same for a client that said nothing, got nothing and did not come back, of which nobody knows.',
      ),
    maxBoxes: count(1, 10_000_000)
      .prefault(100_000)
      .describe('Most clients messages are kept for, where they are kept in memory.'),
    maxBoxBytes: size(1024)
      .prefault('256MiB')
      .describe('Most bytes of all of these together, where they are kept in memory.'),
  })
  .describe('Messages between clients and services.')
