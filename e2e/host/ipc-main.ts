import { EventEmitter } from 'node:events'

export type InvokeHandler = (event: object, ...args: unknown[]) => unknown

export class IpcMain extends EventEmitter<Record<string, unknown[]>> {
  readonly handlersByChannel_ = new Map<string, InvokeHandler>()

  handle(channel: string, handler: InvokeHandler): void {
    if (this.handlersByChannel_.has(channel)) throw new Error(`Attempted to register a second handler for '${channel}'`)
    this.handlersByChannel_.set(channel, handler)
  }

  handleOnce(channel: string, handler: InvokeHandler): void {
    this.handle(channel, (event, ...args) => {
      this.removeHandler(channel)
      return handler(event, ...args)
    })
  }

  removeHandler(channel: string): void {
    this.handlersByChannel_.delete(channel)
  }
}
