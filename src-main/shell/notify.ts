import { Notification } from 'electron'
import type { Notice } from './notices.ts'

/** Shown notices; one that nothing refers to loses its click. */
const shown = new Set<Notification>()

/** Shows a notice of the system. That it may fail (unsigned on macOS, no service on Linux) changes nothing else. */
export function notify({ title, body }: Notice, onClick: () => void): void {
  if (!Notification.isSupported()) return
  const notification = new Notification({ title, body, silent: true })
  const gone = () => void shown.delete(notification)
  notification.on('click', () => {
    gone()
    onClick()
  })
  notification.on('close', gone)
  notification.on('failed', gone)
  shown.add(notification)
  notification.show()
}
