/**
 * Nodes in Redis. What they say is not sealed: who has none of our private keys is to be seen, and told apart by its
 * proof (`cluster/membership.ts`). But where they listen is: for its sake services are refused, and it is nobody else's
 * business.
 *
 * @module
 */
import { byName } from '../nodes/memory.ts'
import type { NodeDirectory, NodeDoors, NodeFacts } from '../nodes/port.ts'
import type { RedisLine } from './port.ts'
import { readScript } from './script.ts'
import { createRecordSealer, type RecordSealer } from './sealed-record.ts'

const SCRIPT = readScript('nodes', './clock.lua', './nodes.lua')

export interface RedisNodesDeps {
  readonly line: RedisLine
  /** The first seals, all open. */
  readonly privateKeys: readonly string[]
}

export function createRedisNodes({ line, privateKeys }: RedisNodesDeps): NodeDirectory {
  const sealer = createRecordSealer(privateKeys, 'node')
  const keys = ['clock', 'nodes', 'nodeLeases'].map((name) => `${line.prefix}{reg}:${name}`)
  return {
    async beat({ doors, ...facts }, leaseMs) {
      const sealed = doors && sealer.seal(facts.id, JSON.stringify(doors))
      const text = JSON.stringify({ ...facts, doors: sealed })
      await line.run(SCRIPT, keys, ['beat', facts.id, text, String(leaseMs)])
    },
    async leave(id) {
      await line.run(SCRIPT, keys, ['leave', id])
    },
    async list() {
      const texts = (await line.run(SCRIPT, keys, ['list'])) as readonly string[]
      return texts.flatMap((text) => readFacts(text, sealer)).sort(byName)
    },
  }
}

/** Anybody may have written it. */
function readFacts(text: string, sealer: RecordSealer): NodeFacts[] {
  try {
    const said = JSON.parse(text) as Omit<NodeFacts, 'doors'> & { readonly doors?: unknown }
    const { id, name, version, startedAt, keyProof, isLeaving, beats } = said
    const areWords = [id, name, version, keyProof].every((word) => typeof word === 'string')
    if (!areWords || typeof startedAt !== 'number' || typeof isLeaving !== 'boolean') return []
    const opened = typeof said.doors === 'string' ? sealer.open(id, said.doors) : undefined
    // What is sealed was written by one of us, and is as we write it.
    const doors = opened && (JSON.parse(opened.text) as NodeDoors)
    return [
      {
        ...{ id, name, version, startedAt, keyProof, isLeaving },
        ...(typeof beats === 'number' && { beats }),
        ...(doors && { doors }),
      },
    ]
  } catch {
    return []
  }
}
