/**
 * What the data plane is told of hydra-router's rules. The configuration maps onto this.
 *
 * @module
 */

/** An object that is kept as it is now: its fields are read where they are used. */
export interface FlywheelSettings {
  /** Whether requests no route takes are looked at by these rules as well. */
  readonly enabled: boolean
  /** Until the head of an answer, all attempts together, ms. */
  readonly requestTimeoutMs: number
  /** Headers of every answer, and of those to OPTIONS; undefined: none are set on what services answer. */
  readonly cors: Readonly<Record<string, string>> | undefined
}

export const flywheelDefaults: FlywheelSettings = Object.freeze({
  enabled: false,
  requestTimeoutMs: 5000,
  cors: undefined,
})
