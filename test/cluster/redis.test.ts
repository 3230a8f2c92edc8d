import { prove } from './faults/prove.ts'
import {
  messagesLost,
  nodeStartsAlone,
  oneCutOff,
  redisEmptied,
  redisFrozen,
  redisStopped,
} from './faults/redis.ts'

prove([redisStopped, redisFrozen, redisEmptied, oneCutOff, nodeStartsAlone, messagesLost])
