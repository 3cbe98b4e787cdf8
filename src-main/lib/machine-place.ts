import { lstatSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { whyUnsafe } from './safe-place.ts'

/**
 * Where a machine agent says that it is there. Fixed, and in folders that only administrators can write to: a program believes
 * what stands here. No environment variable moves it.
 */
export function machinePlace(platform: NodeJS.Platform = process.platform): string {
  if (platform === 'win32') return String.raw`C:\ProgramData\Larder\agent`
  if (platform === 'darwin') return '/Library/Application Support/Larder/agent'
  return '/run/larder'
}

export const machineAgentFile = (place: string): string => join(place, 'agent.json')

/** Whether this PC has an agent of all users, be it that it is just being started again: its folder is there as long as its service is. */
export function isMachineAgentThere(place: string): boolean {
  try {
    return whyNotPlace(place) === null
  } catch {
    return false
  }
}

/**
 * Why what lies in a machine agent's place cannot be believed; null when it can. Whoever may write to the folder above, root or
 * this user, has decided whose the place is; the file in it must be of the same hand, and of nobody else's.
 */
export function whyNotMachineAgent(place: string): string | null {
  const folder = whyNotPlace(place)
  if (folder !== null) return folder
  const { uid } = lstatSync(place)
  const file = lstatSync(machineAgentFile(place))
  if (!file.isFile() || file.nlink !== 1) return `${machineAgentFile(place)} is not a file`
  if (file.uid !== uid && file.uid !== 0) return `${machineAgentFile(place)} belongs to another user`
  if ((file.mode & 0o022) !== 0) return `${machineAgentFile(place)} can be written by others`
  return null
}

function whyNotPlace(place: string): string | null {
  const above = whyUnsafe(dirname(place))
  if (above !== null) return above
  const folder = lstatSync(place)
  if (!folder.isDirectory()) return `${place} is not a folder`
  return (folder.mode & 0o022) === 0 ? null : `${place} can be written by others`
}
