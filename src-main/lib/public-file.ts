import { replaceFile } from './replace-file.ts'

/** Writes a file that everybody may read and only this user may write, as {@link replaceFile}. */
export function writePublicFile(path: string, data: string): Promise<void> {
  // Whatever the umask of this program is.
  return replaceFile(path, data, (file) => file.chmod(0o644))
}
