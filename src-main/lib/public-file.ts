import { writeBeside } from './write-beside.ts'

/** Writes a file that everybody may read and only this user may write, as {@link writeBeside}. */
export function writePublicFile(path: string, data: string): Promise<void> {
  // Whatever the umask of this program is.
  return writeBeside(path, data, (file) => file.chmod(0o644))
}
