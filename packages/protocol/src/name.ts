/**
 * Names of services: what is allowed, and which names are taken.
 *
 * A name is one segment of many addresses (`/{name}/logo.svg`, UMF `instance@name:/`, Redis keys), so
 * everything that could be mistaken for structure in one of them is refused.
 *
 * @module
 */
import { z } from 'zod'
import { required } from './required.ts'

/** Names a service can't take: the gateway answers to them itself. */
export const TAKEN_NAMES: ReadonlySet<string> = new Set(['client', 'hydra', 'hydra-router'])

/** Names that would reach into JavaScript's object machinery when used as a key somewhere. */
const OBJECT_MACHINERY = new Set(['__proto__', 'constructor', 'prototype'])

const STRUCTURE_WORDS = '/ \\ ? # % @ : or control characters'
const STRUCTURE = /[/\\?#%@:\u0000-\u001f\u007f-\u009f]/

/** Says what is wrong with a service's name, or nothing when it may be used. */
export function serviceNameProblem(name: string): string | undefined {
  if (name.trim() === '') return 'a service needs a name'
  if (name.length > 128) return 'a name may have 128 characters'
  if (name.trim() !== name) return 'a name may not begin or end with a space'
  if (STRUCTURE.test(name)) return `a name may not contain ${STRUCTURE_WORDS}`
  if (!name.isWellFormed()) return 'a name must be well-formed Unicode'
  if (name === '.' || name === '..') return 'a name may not be a dot segment'
  if (TAKEN_NAMES.has(name.toLowerCase())) return `the name "${name}" belongs to the gateway`
  if (OBJECT_MACHINERY.has(name)) return `the name "${name}" can't be used`
  return undefined
}

/** A service's name. `params.write` of its issue says what to write instead. */
export const serviceName = z
  .string(required('name'))
  .superRefine((name, context) => {
    const problem = serviceNameProblem(name)
    if (!problem) return
    const write = STRUCTURE.test(name) ? `a name without ${STRUCTURE_WORDS}` : `another name: ${problem}`
    context.addIssue({ code: 'custom', message: problem, params: { write } })
  })
  .describe('Name of the service: one path segment, unique behind this gateway.')
