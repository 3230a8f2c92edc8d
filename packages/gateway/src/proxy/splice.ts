/**
 * A WebSocket that was agreed to: two connections joined until both are closed, at the pace of the slower side.
 * An end is passed on as an end, a break as a break, and nothing is idle for too long.
 *
 * Bytes pass as they are. Only where frames end is followed, so that the gateway can say goodbye with a Close
 * frame of its own between two of theirs.
 *
 * @module
 */
import type { Socket } from 'node:net'
import type { Caller } from '../identity/port.ts'
import type { Deadlines, Waiting } from './deadlines.ts'
import { closeFrame, FrameFollower } from './frame-follower.ts'
import type { BytesReceiver, Pipe } from './pipe.ts'
import { reset } from './reset.ts'
import { whenFlushed } from './when-flushed.ts'
import { HELD, SENT, type Taken } from './wire.ts'

/** Which side ended it, or broke it, first. */
export type ClosedBy = 'visitor' | 'service' | 'gateway'

/** Whose socket it is, to choose which to close. Small: it lives for hours, where an exchange must not. */
export interface SpliceFacts {
  readonly exchange: string
  readonly service: string
  readonly instance: string
  readonly visitor?: string | undefined
  /** Who opened it; one frozen object per token. */
  readonly caller?: Caller | undefined
}

export interface SpliceParts {
  /** What came behind the head of either side comes first on its pipe. */
  readonly visitor: Pipe
  readonly service: Pipe
  readonly about: SpliceFacts
  readonly deadlines: Deadlines
  /** Bytes that came in, from visitors and from services. */
  readonly traffic: { bytesIn: number; bytesOut: number }
  /** Called once, when both sides are closed. */
  readonly onClose: (closedBy: ClosedBy, splice: Splice) => void
}

/** Finds dead peers of connections that may be silent for hours. */
const TCP_KEEPALIVE_MS = 30_000
/** From `end` until both sides must have heard it, and from then until they must have closed. */
const BOUNDARY_MS = 1000
const GOODBYE_MS = 500
/** How long one side may go on alone. */
const HALF_CLOSED_MS = 30_000
/** Where codes begin that belong to applications (RFC 6455, 7.4.2). */
const OWN_CODES = 3000
const GOING_AWAY = 1001

export class Splice implements Waiting, BytesReceiver {
  deadline = Number.POSITIVE_INFINITY
  before: Waiting | undefined = undefined
  behind: Waiting | undefined = undefined
  readonly about: SpliceFacts
  readonly #visitorPipe: Pipe
  readonly #visitor: Socket
  readonly #service: Pipe
  readonly #deadlines: Deadlines
  readonly #traffic: SpliceParts['traffic']
  readonly #onClose: SpliceParts['onClose']
  readonly #fromVisitor = new FrameFollower(true)
  readonly #fromService = new FrameFollower(false)
  /** What both are told; set when the gateway ends it. */
  #goodbye: { readonly code: number; readonly reason: string } | undefined = undefined
  /** Nothing more is written to this side: it was told, or has been told by the other. */
  #isVisitorTold = false
  #isServiceTold = false
  #isVisitorClosed = false
  #isServiceClosed = false
  #isServiceEnded = false
  #closedBy: ClosedBy | undefined = undefined
  readonly #resumeService: () => void
  readonly #resumeVisitor: () => void

  constructor({ visitor, service, about, deadlines, traffic, onClose }: SpliceParts) {
    this.about = about
    this.#visitorPipe = visitor
    this.#visitor = visitor.socket
    this.#service = service
    this.#deadlines = deadlines
    this.#traffic = traffic
    this.#onClose = onClose
    this.#resumeService = () => service.resume()
    this.#resumeVisitor = () => visitor.resume()
    for (const socket of [visitor.socket, service.socket]) {
      socket.setTimeout(0)
      socket.setNoDelay(true)
      socket.setKeepAlive(true, TCP_KEEPALIVE_MS)
    }
  }

  /** Joins the two. */
  begin(): void {
    this.#service.switchTo(this)
    this.#visitorPipe.switchTo({
      onData: (bytes) => this.#takeFromVisitor(bytes),
      onEnd: () => this.#visitorEnded(),
      onClose: (hadError) => this.#visitorClosed(hadError),
    })
  }

  /**
   * Says goodbye to both sides with a Close frame at the next place where one may stand, then closes. A side
   * where no such place comes within a second, or that does not speak WebSocket, is closed without.
   */
  end(code: number, reason: string): void {
    if (this.#goodbye) return
    this.#goodbye = { code, reason }
    this.#closedBy ??= 'gateway'
    this.#wait(BOUNDARY_MS)
    if (this.#fromService.isAtBoundary) this.#tellVisitor(undefined)
    if (this.#fromVisitor.isAtBoundary) this.#tellService(undefined)
    this.#closeWhatIsDone()
  }

  /** Closes both sides at once, without a word. */
  destroy(): void {
    this.#closedBy ??= 'gateway'
    this.#goodbye ??= { code: 0, reason: '' }
    this.#visitor.destroy()
    this.#service.socket.destroy()
  }

  /** The goodbye took too long. */
  expire(): void {
    this.#deadlines.delete(this)
    this.destroy()
  }

  onData(bytes: Buffer): Taken {
    const visitor = this.#visitor
    this.#traffic.bytesOut += bytes.length
    if (this.#goodbye) {
      const wasTold = this.#isVisitorTold
      this.#lastFromService(bytes)
      if (wasTold) return SENT
    } else {
      this.#fromService.feed(bytes, 0, bytes.length)
      if (visitor.writable) visitor.write(bytes)
    }
    if (visitor.writableLength === 0 || visitor.destroyed) return SENT
    whenFlushed(visitor, this.#resumeService)
    return HELD
  }

  onEnd(): void {
    this.#isServiceEnded = true
    this.#closedBy ??= 'service'
    if (this.deadline === Number.POSITIVE_INFINITY) this.#wait(HALF_CLOSED_MS)
    this.#visitor.end()
    if (this.#goodbye) this.#closeWhatIsDone()
  }

  onClose(hadError: boolean): void {
    if (this.#isServiceClosed) return
    this.#isServiceClosed = true
    this.#closedBy ??= 'service'
    const isBroken = hadError || !this.#isServiceEnded || !this.#service.socket.writableFinished
    if (isBroken) this.#breakOff(this.#visitor, this.#isVisitorTold || this.#fromService.hasClosed)
    // Nothing is written there any more, so that what still comes is read away.
    else this.#visitorPipe.resume()
    this.#closeWhenBoth()
  }

  #takeFromVisitor(bytes: Buffer): Taken {
    this.#traffic.bytesIn += bytes.length
    const { socket } = this.#service
    if (this.#goodbye) {
      const wasTold = this.#isServiceTold
      this.#lastFromVisitor(bytes)
      // He is read on for his own goodbye.
      if (wasTold) return SENT
    } else {
      this.#fromVisitor.feed(bytes, 0, bytes.length)
      if (socket.writable) socket.write(bytes)
    }
    if (socket.writableLength === 0 || socket.destroyed) return SENT
    whenFlushed(socket, this.#resumeVisitor)
    return HELD
  }

  #visitorEnded(): void {
    this.#closedBy ??= 'visitor'
    if (this.deadline === Number.POSITIVE_INFINITY) this.#wait(HALF_CLOSED_MS)
    this.#service.socket.end()
    if (this.#goodbye) this.#closeWhatIsDone()
  }

  #visitorClosed(hadError: boolean): void {
    if (this.#isVisitorClosed) return
    this.#isVisitorClosed = true
    this.#closedBy ??= 'visitor'
    const isBroken = hadError || !this.#visitor.readableEnded || !this.#visitor.writableFinished
    if (isBroken) this.#breakOff(this.#service.socket, this.#isServiceTold || this.#fromVisitor.hasClosed)
    this.#closeWhenBoth()
  }

  /** One side is gone without an end. Where the other was told so by a Close frame, that must still arrive. */
  #breakOff(other: Socket, wasTold: boolean): void {
    if (other.destroyed) return
    if (!wasTold) {
      reset(other)
      return
    }
    if (this.deadline === Number.POSITIVE_INFINITY) this.#wait(GOODBYE_MS)
    // What still comes is read away: unread bytes would make a reset of the end.
    if (other === this.#visitor) this.#visitorPipe.resume()
    other.end()
  }

  #wait(ms: number): void {
    this.deadline = this.#deadlines.after(ms)
    this.#deadlines.delete(this)
    this.#deadlines.add(this)
  }

  #closeWhenBoth(): void {
    if (!this.#isVisitorClosed || !this.#isServiceClosed) return
    this.#deadlines.delete(this)
    this.#onClose(this.#closedBy!, this)
  }

  #lastFromService(bytes: Buffer): void {
    const follower = this.#fromService
    let at = 0
    if (!this.#isVisitorTold) {
      at = follower.nextBoundary(bytes, 0, bytes.length)
      if (at >= 0) this.#tellVisitor(bytes.subarray(0, at))
      else if (this.#visitor.writable) this.#visitor.write(bytes)
    }
    if (at >= 0) follower.feed(bytes, at, bytes.length)
    this.#closeWhatIsDone()
  }

  #lastFromVisitor(bytes: Buffer): void {
    const follower = this.#fromVisitor
    const { socket } = this.#service
    let at = 0
    if (!this.#isServiceTold) {
      at = follower.nextBoundary(bytes, 0, bytes.length)
      if (at >= 0) this.#tellService(bytes.subarray(0, at))
      else if (socket.writable) socket.write(bytes)
    }
    if (at >= 0) follower.feed(bytes, at, bytes.length)
    this.#closeWhatIsDone()
  }

  /** Writes the rest of a frame and a Close frame behind it, unless that frame was one. */
  #tellVisitor(rest: Buffer | undefined): void {
    this.#isVisitorTold = true
    const { code, reason } = this.#goodbye!
    write(this.#visitor, rest, this.#fromService.hasClosed ? undefined : closeFrame(code, reason, false))
    this.#told()
  }

  #tellService(rest: Buffer | undefined): void {
    this.#isServiceTold = true
    const { code, reason } = this.#goodbye!
    // Codes like 1012 are a server's to say: from a client, some libraries take them for a fault of the protocol.
    const sent = code < OWN_CODES ? GOING_AWAY : code
    const frame = this.#fromVisitor.hasClosed ? undefined : closeFrame(sent, reason, true)
    write(this.#service.socket, rest, frame)
    // Nothing is written there any more; his side is read on for his own goodbye.
    this.#visitorPipe.resume()
    this.#told()
  }

  /** Whoever was told late still gets a moment to say goodbye. */
  #told(): void {
    if (!this.#isVisitorTold || !this.#isServiceTold) return
    this.deadline = Math.max(this.deadline, this.#deadlines.after(GOODBYE_MS))
  }

  /** Ends our side towards whoever was told and has said goodbye as well; closes what can't be told. */
  #closeWhatIsDone(): void {
    const visitor = this.#visitor
    const { socket } = this.#service
    const hasVisitorLeft = visitor.readableEnded || this.#isVisitorClosed
    if (!this.#isVisitorTold) {
      if (this.#fromService.isBroken || this.#isServiceEnded) visitor.destroy()
    } else if (this.#fromVisitor.hasClosed || hasVisitorLeft) visitor.end()
    if (!this.#isServiceTold) {
      if (this.#fromVisitor.isBroken || hasVisitorLeft) socket.destroy()
    } else if (this.#fromService.hasClosed || this.#isServiceEnded) socket.end()
  }
}

function write(to: Socket, rest: Buffer | undefined, frame: Buffer | undefined): void {
  if (!to.writable) return
  const bytes = rest && frame ? Buffer.concat([rest, frame]) : (rest ?? frame)
  if (bytes && bytes.length > 0) to.write(bytes)
}
