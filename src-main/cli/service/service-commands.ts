import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { realpathSync } from 'node:fs'
import { findAgent } from '../../client/detect.ts'
import { isRoot } from '../../lib/folder-owner.ts'
import { LarderError } from '../../lib/errors.ts'
import { machinePlace } from '../../lib/machine-place.ts'
import type { CliHost } from '../cli-host.ts'
import type { Output } from '../output.ts'
import { formatFacts } from '../table.ts'
import { servicePlan, type ServicePlan, type Step } from './service-plan.ts'

/** Makes the service of whoever has unpacked Larder without a package. @throws MACHINE_AGENT_UNSUPPORTED, RIGHT_MISSING */
export function installService(options: { readonly dryRun?: boolean }, output: Output): void {
  const plan = planHere()
  carryOut(plan.install, options, output)
  if (!options.dryRun)
    output.result(
      { installed: true, file: plan.file },
      () => 'The service is installed and runs; `larder status` asks it.'
    )
}

export function uninstallService(
  options: { readonly dryRun?: boolean; readonly purge?: boolean },
  output: Output
): void {
  const plan = planHere()
  carryOut([...plan.uninstall, ...(options.purge ? plan.purge : [])], options, output)
  if (!options.dryRun)
    output.result({ installed: false, purged: options.purge === true }, () =>
      options.purge
        ? 'The service, its cache and its identity have been removed.'
        : 'The service is gone; its cache and its identity stay (--purge removes them).'
    )
}

/** Whether it is installed, runs, and serves this user. */
export async function showService(output: Output, host: CliHost): Promise<void> {
  const plan = planHere()
  const packaged = existsSync('/usr/lib/systemd/system/larder.service')
  const place = host.machinePlace ?? machinePlace()
  const { address, detection } = await findAgent({ machinePlace: place, dataDir: '/nonexistent' })
  const installed = packaged ? 'package' : existsSync(plan.file) ? 'file' : 'no'
  const manager = spawnSync(plan.status[0]!, plan.status.slice(1), { encoding: 'utf8', timeout: 10_000 })
  const runs = manager.error ? null : manager.status === 0
  output.result({ installed, runs, pid: address?.pid ?? null, state: detection.state, place }, () =>
    formatFacts([
      ['installed', installed === 'package' ? 'by the package' : installed === 'file' ? `as ${plan.file}` : 'no'],
      ['runs', runs === null ? 'the service manager of this system does not answer' : runs ? 'yes' : 'no'],
      ['for this user', address ? `yes, process ${address.pid}` : detection.why]
    ])
  )
}

function planHere(): ServicePlan {
  // The running Node and the script it was started with, wherever links lead.
  const plan = servicePlan(process.platform, [process.execPath, realpathSync(process.argv[1]!)])
  if (plan) return plan
  throw new LarderError('MACHINE_AGENT_UNSUPPORTED', 'Larder has no service for all users of a PC on this system yet')
}

function carryOut(steps: readonly Step[], { dryRun }: { readonly dryRun?: boolean }, output: Output): void {
  if (dryRun) return output.result({ steps }, () => steps.map(described).join('\n'))
  if (!isRoot()) throw new LarderError('RIGHT_MISSING', 'Only root can install or remove a service', {})
  for (const step of steps) doStep(step)
}

function doStep(step: Step): void {
  switch (step.do) {
    case 'write':
      writeFileSync(step.path, step.text, { mode: 0o644 })
      return chmodSync(step.path, 0o644)
    case 'folder':
      mkdirSync(step.path, { recursive: true, mode: step.mode })
      chmodSync(step.path, step.mode)
      return void execFileSync('/usr/sbin/chown', [step.owner, step.path])
    case 'remove':
      return rmSync(step.path, { recursive: true, force: true })
    case 'run': {
      const [program, ...args] = step.command
      const { status, error, stderr } = spawnSync(program!, args, { encoding: 'utf8', timeout: 60_000 })
      if (!step.optional && (error || status !== 0))
        throw new LarderError('INTERNAL', `${step.command.join(' ')}: ${error?.message ?? stderr.trim()}`)
    }
  }
}

function described(step: Step): string {
  return step.do === 'run' ? step.command.join(' ') : `${step.do} ${step.path}`
}
