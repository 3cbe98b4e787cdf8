import { contextBridge, ipcRenderer, type IpcRendererEvent } from 'electron'
import type { Answer, LarderBridge, SnapshotMessage } from '../contract/commands.ts'
import type { SnapshotNews } from '../contract/snapshot-message.ts'

// Literals, so that the preload needs nothing of the contract at run time; a test compares them.
const COMMAND_CHANNEL: typeof import('../contract/commands.ts').COMMAND_CHANNEL = 'larder:command'
const SNAPSHOT_CHANNEL: typeof import('../contract/commands.ts').SNAPSHOT_CHANNEL = 'larder:snapshot'

const bridge: LarderBridge = {
  invoke: (command) => ipcRenderer.invoke(COMMAND_CHANNEL, command) as Promise<never>,
  onSnapshot(listener) {
    let begun = false
    // The event has the means to send anything: it stays here. A change before there is anything to change is left out.
    const forward = (_event: IpcRendererEvent, news: SnapshotNews): void => {
      begun ||= !('base' in news)
      if (begun) listener(news)
    }
    ipcRenderer.on(SNAPSHOT_CHANNEL, forward)
    let ended = false
    void ipcRenderer.invoke(COMMAND_CHANNEL, { c: 'snapshot.get' }).then((answer: Answer<SnapshotMessage>) => {
      if (!answer.ok || ended) return
      begun = true
      listener(answer.value)
    })
    return () => {
      ended = true
      ipcRenderer.off(SNAPSHOT_CHANNEL, forward)
    }
  }
}

contextBridge.exposeInMainWorld('larder', bridge)
