/**
 * Which Redis several nodes share, and how patient they are with it, as a person may write it.
 *
 * @module
 */
import { z } from 'zod'
import { count, duration, secret, text } from './setting.ts'

export const URL_FORMS =
  'redis://host:6379, rediss:// with TLS, redis+sentinel://host:26379,host2:26379/name or redis+cluster://host:6379,host2:6379'

/** Schemes with one or several hosts; user, password and database may stand in it. */
export const REDIS_URL =
  /^(?:redis|rediss|redis\+sentinel|rediss\+sentinel|redis\+cluster|rediss\+cluster):\/\/[^\s/?#]+(?:\/[^\s?#]*)?$/

export const redis = z
  .strictObject({
    url: secret(`the address of Redis: ${URL_FORMS}`, 4096, REDIS_URL)
      .optional()
      .describe(
        `Redis that several nodes share: ${URL_FORMS}. User, password and database may stand in it. Not set: everything is kept in memory, by one node.`,
      ),
    prefix: text('letters, digits, -, _ and :', 64)
      .prefault('hydra-gateway:')
      .describe('Stands before every key and channel: nodes with another one are another cluster.'),
    ca: text('the path of a file with certificates in PEM form, or these', 1_000_000)
      .optional()
      .describe('Certificates that vouch for Redis; otherwise those Node comes with.'),
    cert: text('the path of a file in PEM form, or the certificate itself', 1_000_000)
      .optional()
      .describe('Certificate the gateway shows to Redis.'),
    key: secret('the path of a file in PEM form, or the key itself', 1_000_000)
      .optional()
      .describe('Its key.'),
    sentinelPassword: secret('the password of the Sentinels', 4096)
      .optional()
      .describe('Password of the Sentinels, when it is not that of Redis.'),
    connectTimeout: duration(50).prefault('1s').describe('Until a connection to Redis has to be there.'),
    commandTimeout: duration(50)
      .prefault('1s')
      .describe('Until Redis has to have answered; otherwise it counts as away.'),
    maxInFlight: count(1, 1_000_000)
      .prefault(10_000)
      .describe(
        'Most commands that may wait for an answer; those above fail at once, as if Redis were away.',
      ),
    poll: duration(50).prefault('1s').describe('How often is looked for changes that no message told of.'),
  })
  .superRefine(({ cert, key }, context) => {
    if (!cert === !key) return
    context.addIssue({
      code: 'custom',
      path: [cert ? 'key' : 'cert'],
      message: 'certificate and key, or neither',
    })
  })
  .describe('Redis, when several nodes are one gateway.')

export const cluster = z
  .strictObject({
    name: text('a name such as hydra-1', 128)
      .optional()
      .describe('What people call this node. Not set: the name of the machine.'),
    orphanFor: duration(0)
      .prefault('15s')
      .describe(
        'How long instances of a node that died keep serving while they take connections, until they have found another node.',
      ),
    startWait: duration(0)
      .prefault('15s')
      .describe(
        'How long a node that starts while Redis is away is not ready, as it knows nothing of services at other nodes; then it takes visitors all the same.',
      ),
    spread: duration(0)
      .prefault('5s')
      .describe('Time over which services are told to go to another node when this one stops.'),
  })
  .describe('This node among others.')
