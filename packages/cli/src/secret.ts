/**
 * What people type, and what is piped in: secrets are read without showing them, and never taken from the command line,
 * where everybody on the machine can read them.
 *
 * @module
 */
import type { ReadStream } from 'node:tty'

export interface Input {
  /** Whether somebody sits there who can be asked. */
  readonly isTerminal: boolean
  /** Asks without showing what is typed; undefined when they gave up (Ctrl+C, Ctrl+D). */
  askSecret(prompt: string): Promise<string | undefined>
  /** The first line of what is piped in; undefined when it is longer than a password can be. */
  readLine(): Promise<string | undefined>
}

const MOST_BYTES = 8192

/** Standard input, with prompts on standard error: standard output carries results only. */
export function processInput(): Input {
  const { stdin, stderr } = process
  return {
    isTerminal: stdin.isTTY === true && stderr.isTTY === true,
    askSecret: createPrompt(stdin, (text) => void stderr.write(text)),
    readLine: () => readLine(stdin),
  }
}

/** Keys as a terminal in raw mode sends them. */
const ENTER = new Set(['\r', '\n'])
const GIVE_UP = new Set(['\u0003', '\u0004'])
const RUB_OUT = new Set(['\u007f', '\b'])
const RUB_OUT_ALL = '\u0015'
/** Arrows and other keys that send several characters mean nothing here; neither do the marks around pasted text. */
const SEQUENCES = /\u001b(?:\[[0-9;]*[~A-Za-z]|O[A-Za-z])?/g

function createPrompt(input: ReadStream, write: (text: string) => void): Input['askSecret'] {
  /** Typed or pasted beyond the end of the line: the answer to the next question. */
  let ahead = ''
  return (prompt) =>
    new Promise((resolve) => {
      // characters, not bytes or halves of a pair: one key is rubbed out whole
      let typed: string[] = []
      const done = (secret: string | undefined): void => {
        input.off('data', read)
        input.off('end', giveUp)
        input.setRawMode(false)
        input.pause()
        write('\n')
        resolve(secret)
      }
      const giveUp = () => done(undefined)
      const read = (text: string | Buffer): void => {
        const characters = [...(ahead + text).replace(SEQUENCES, '')]
        ahead = ''
        for (const [at, character] of characters.entries()) {
          if (ENTER.has(character) || GIVE_UP.has(character)) {
            ahead = characters.slice(at + 1).join('')
            done(ENTER.has(character) ? typed.join('') : undefined)
            return
          }
          if (RUB_OUT.has(character)) typed.pop()
          else if (character === RUB_OUT_ALL) typed = []
          else if (character >= ' ' && typed.length < MOST_BYTES) typed.push(character)
        }
      }
      // before the prompt: what is typed as soon as it stands there is not shown either
      input.setEncoding('utf8')
      input.setRawMode(true)
      input.on('data', read)
      input.on('end', giveUp)
      input.resume()
      write(prompt)
      if (ahead !== '') read('')
    })
}

async function readLine(input: NodeJS.ReadStream): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk as Buffer)
    chunks.push(bytes)
    size += bytes.length
    if (bytes.includes(0x0a) || size > MOST_BYTES) break
  }
  const [line = ''] = Buffer.concat(chunks).toString().split('\n', 1)
  return line.length > MOST_BYTES ? undefined : line.replace(/\r$/, '')
}
