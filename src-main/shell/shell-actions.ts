import { clipboard, dialog, shell, type BrowserWindow } from 'electron'
import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RequestId } from '../contract/ids.ts'
import { LarderError } from '../lib/errors.ts'
import type { ShellActions, ShellAgent } from '../operations/operation-host.ts'
import { mayRun } from './runnable-files.ts'

export interface ShellActionsContext {
  readonly logDir: string
  readonly downloadsDir: string
  window(): BrowserWindow | null
  quit(): void
}

/** What a window may do to the desktop. Paths come from the agent or from the person, never from the page. */
export function createShellActions({ logDir, downloadsDir, window, quit }: ShellActionsContext): ShellActions {
  const openFolder = async (path: string): Promise<Record<string, never>> => {
    const problem = await shell.openPath(path)
    if (problem !== '') throw new LarderError('NOT_FOUND', `${path} cannot be opened: ${problem}`, { path })
    return {}
  }
  const pickPath = async (name: string): Promise<string | null> => {
    const options = { defaultPath: join(downloadsDir, name) }
    const owner = window()
    const { canceled, filePath } = await (owner
      ? dialog.showSaveDialog(owner, options)
      : dialog.showSaveDialog(options))
    return canceled || filePath === '' ? null : filePath
  }

  return {
    'shell.openFile': async ({ requestId }, agent) => {
      const path = await deliveredFile(agent(), requestId)
      if (mayRun(path)) {
        shell.showItemInFolder(path)
        return { opened: false }
      }
      await openFolder(path)
      return { opened: true }
    },
    'shell.showInFolder': async ({ requestId }, agent) => {
      shell.showItemInFolder(await deliveredFile(agent(), requestId))
      return {}
    },
    'shell.openCacheFolder': (_command, agent) => openFolder(agent().cache.dir),
    'shell.openLogFolder': () => openFolder(logDir),
    'shell.copyText': async ({ text }) => {
      await clipboard.writeText(text)
      return {}
    },
    'shell.saveText': async ({ name, text }) => {
      const path = await pickPath(name)
      if (path === null) return { saved: false }
      await writeFile(path, text).catch((cause: unknown) => {
        throw new LarderError('DESTINATION_UNWRITABLE', `${path} cannot be written`, { path, cause })
      })
      return { saved: true }
    },
    'shell.pickDestination': async ({ name }) => ({ path: await pickPath(name) }),
    'app.quit': () => {
      // After the answer has been sent.
      setImmediate(quit)
      return {}
    }
  }
}

/** @throws NOT_FOUND when the request delivered no file, or it is gone since */
async function deliveredFile(agent: ShellAgent, id: RequestId): Promise<string> {
  const { state, destination } = agent.requestView(id)
  if (state !== 'done' || destination === null) throw new LarderError('NOT_FOUND', 'This download has not saved a file')
  await access(destination).catch((cause: unknown) => {
    throw new LarderError('NOT_FOUND', `${destination} is no longer there`, { path: destination, cause })
  })
  return destination
}
