import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** `~/.config/autostart/<id>.desktop`: how Linux desktops start a program at login. */
export function autostartPath(id: string, env: Readonly<Record<string, string | undefined>>, home: string): string {
  const config = env['XDG_CONFIG_HOME']
  return join(
    config !== undefined && config.startsWith('/') ? config : join(home, '.config'),
    'autostart',
    `${id}.desktop`
  )
}

/** A desktop entry that starts `program` hidden. */
export function autostartEntry(program: string): string {
  return [
    '[Desktop Entry]',
    'Type=Application',
    'Name=Larder',
    'Comment=Shares downloads with the PCs of this site',
    `Exec=${quoteExec(program)} --hidden`,
    'Terminal=false',
    'X-GNOME-Autostart-enabled=true',
    ''
  ].join('\n')
}

export async function setAutostart(path: string, program: string, enabled: boolean): Promise<void> {
  if (!enabled) return rm(path, { force: true })
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, autostartEntry(program))
}

/** Quoting of Desktop Entry Specification 1.5, section "The Exec key": in quotes, `"`, backtick, `$` and `\` escaped, then `\` once more as in any string; `%` doubled. */
function quoteExec(path: string): string {
  const quoted = `"${path.replace(/["`$\\]/g, '\\$&')}"`
  return quoted.replaceAll('\\', '\\\\').replaceAll('%', '%%')
}
