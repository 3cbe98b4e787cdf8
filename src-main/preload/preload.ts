import { contextBridge, ipcRenderer, type IpcRendererEvent } from 'electron'
import type { Answer, LarderBridge, SnapshotMessage } from '../contract/commands.ts'

// Literals, so that the preload needs nothing of the contract at run time; a test compares them.
const COMMAND_CHANNEL: typeof import('../contract/commands.ts').COMMAND_CHANNEL = 'larder:command'
const SNAPSHOT_CHANNEL: typeof import('../contract/commands.ts').SNAPSHOT_CHANNEL = 'larder:snapshot'

const bridge: LarderBridge = {
  invoke: (command) => ipcRenderer.invoke(COMMAND_CHANNEL, command) as Promise<never>,
  onSnapshot(listener) {
    // The event has the means to send anything: it stays here.
    const forward = (_event: IpcRendererEvent, message: SnapshotMessage): void => listener(message)
    ipcRenderer.on(SNAPSHOT_CHANNEL, forward)
    let ended = false
    void ipcRenderer.invoke(COMMAND_CHANNEL, { c: 'snapshot.get' }).then((answer: Answer<SnapshotMessage>) => {
      if (answer.ok && !ended) listener(answer.value)
    })
    return () => {
      ended = true
      ipcRenderer.off(SNAPSHOT_CHANNEL, forward)
    }
  }
}

contextBridge.exposeInMainWorld('larder', bridge)
