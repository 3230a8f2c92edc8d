import { prove } from './faults/prove.ts'
import { primaryKilled } from './faults/redis.ts'

prove([primaryKilled], { kind: 'sentinel' })
