import { userInfo } from 'node:os'

/** Who is logged in, for "turned off by"; at most 60 characters. */
export function personName(): string {
  try {
    return userInfo().username.slice(0, 60)
  } catch {
    return 'somebody'
  }
}
