import { useState } from 'react'
import type { CommandInput, SettingView } from '../../../src-main/contract/commands.ts'
import { ask, failureOf } from '../../agent/bridge.ts'
import type { GivenValue } from '../../agent/selectors/setting-fields.ts'
import { settingLabel } from '../../agent/selectors/setting-labels.ts'
import { useApp } from '../../app-context.tsx'

/** How one setting is changed, and how the last try ended. */
export interface SettingEdit {
  readonly busy: boolean
  /** What is wrong with what was given; a sentence. */
  readonly problem: string | null
  /** Resolves to whether it was saved. */
  save(given: GivenValue): Promise<boolean>
  /** Takes it out of what is set on this PC. */
  reset(): Promise<void>
  tell(problem: string | null): void
}

export function useSettingEdit(setting: SettingView, onChanged: (setting: SettingView) => void): SettingEdit {
  const { name } = setting
  const { bridge, notify } = useApp()
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)

  const send = async (
    command: Extract<CommandInput, { c: 'settings.set' | 'settings.unset' }>,
    done: string,
    before: SettingView | null
  ): Promise<boolean> => {
    setBusy(true)
    try {
      const next = await ask(bridge, command)
      onChanged(next)
      setProblem(null)
      notify({
        intent: 'success',
        title: `${settingLabel(name)} is ${done}`,
        body: next.pending ? 'It takes effect when the agent next starts.' : undefined,
        ...(before && !before.secret && { undo: () => void send(asBefore(before), 'as it was', null) })
      })
      return true
    } catch (failure) {
      const { message, next } = failureOf(failure)
      setProblem(`${message} ${next}`)
      return false
    } finally {
      setBusy(false)
    }
  }

  return {
    busy,
    problem,
    tell: setProblem,
    save: async (given) => {
      if ('value' in given) return send({ c: 'settings.set', name, value: given.value }, 'saved', setting)
      setProblem(given.problem)
      return false
    },
    reset: async () => void (await send({ c: 'settings.unset', name }, 'reset', setting))
  }
}

/** What makes a setting again what it is now. */
const asBefore = ({
  name,
  source,
  value
}: SettingView): Extract<CommandInput, { c: 'settings.set' | 'settings.unset' }> =>
  source === 'file' ? { c: 'settings.set', name, value } : { c: 'settings.unset', name }
