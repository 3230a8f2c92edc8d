/**
 * What a check prints: a line for each step with its figures, then one sentence.
 *
 * @module
 */
import type { Style } from '@hydra-gateway/gateway/terminal'

export interface Report {
  /** Does a step and prints how it went. `run` resolves with its figures, a line each, or throws with what was wrong. */
  step(name: string, run: () => Promise<readonly string[]>): Promise<void>
  /** Counts requests for the summary. */
  answered(count: number): void
  /** Prints the summary; true when every step went well. */
  end(): boolean
}

export function createReport({ write, style }: { write(text: string): void; style: Style }): Report {
  const startedAt = performance.now()
  const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`
  const print = (text: string): void => write(`${style.plain(text)}\n`)
  let steps = 0
  let failed = 0
  let requests = 0
  const check = style.isAscii ? 'ok' : '✓'
  const cross = style.isAscii ? 'x ' : '✕'

  return {
    async step(name, run) {
      steps++
      const at = performance.now()
      try {
        const figures = await run()
        print(
          `  ${style.good(check)} ${name}  ${style.dim(seconds(at))}\n${figures.map((line) => `      ${line}`).join('\n')}`,
        )
      } catch (fault) {
        failed++
        const reason = fault instanceof Error ? fault.message : String(fault)
        print(`  ${style.bad(cross)} ${name}  ${style.dim(seconds(at))}\n      ${style.bad(reason)}`)
      }
    },
    answered(count) {
      requests += count
    },
    end() {
      const count = requests.toLocaleString('en')
      const outcome =
        failed === 0
          ? `${style.good(check)} All ${steps} steps went well`
          : `${style.bad(cross)} ${failed} of ${steps} steps failed`
      print(`\n${outcome}: ${count} requests answered, in ${seconds(startedAt)}`)
      return failed === 0
    },
  }
}
