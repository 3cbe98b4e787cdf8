import { readdirSync, readFileSync } from 'node:fs'

/** Processes that belong to the data folders below `dir`: by their command line, or by LARDER_DATA_DIR. Linux only; elsewhere none. */
export function processesOf(dir: string): string[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        const isOurs =
          command.includes(dir) || readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`LARDER_DATA_DIR=${dir}`)
        return isOurs ? [`${pid} ${command.replaceAll('\0', ' ').slice(0, 160)}`] : []
      } catch {
        // It has ended meanwhile, or is another user's.
        return []
      }
    })
}
