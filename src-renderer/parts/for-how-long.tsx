import { Menu, MenuItem, MenuList, MenuPopover, MenuTrigger } from '@fluentui/react-components'
import type { ReactElement } from 'react'
import { useNow } from '../app-context.tsx'
import { clockTime } from '../format/time.ts'

const HOUR_MS = 3_600_000

/** A button that asks for how long: an hour, a day, or until further notice (null). */
export function ForHowLong({
  onChoose,
  children
}: {
  onChoose(forMs: number | null): void
  readonly children: ReactElement
}) {
  return (
    <Menu>
      <MenuTrigger disableButtonEnhancement>{children}</MenuTrigger>
      <MenuPopover>
        <MenuList>
          <MenuItem onClick={() => onChoose(HOUR_MS)}>For 1 hour</MenuItem>
          <MenuItem onClick={() => onChoose(24 * HOUR_MS)}>For 24 hours</MenuItem>
          <MenuItem onClick={() => onChoose(null)}>Until resumed</MenuItem>
        </MenuList>
      </MenuPopover>
    </Menu>
  )
}

/** `until 16:27`, or `until resumed`. */
export function Until({ until }: { readonly until: number | null }) {
  return useNow((now) => (until === null ? 'until resumed' : `until ${clockTime(until, now)}`))
}
