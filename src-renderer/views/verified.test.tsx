import { fireEvent, screen } from '@testing-library/react'
import { expect, test } from 'vitest'
import { fixtures } from '../testing/fixtures.ts'
import { renderApp } from '../testing/render-app.tsx'

const view = () => screen.getByRole('main')

test('the details of a content say by what it was verified, what server named it, and who signed it first', async () => {
  renderApp(fixtures.everyday(), 'cache')
  fireEvent.keyDown((await screen.findAllByRole('row', { name: /^“?OfficeSetup/ }))[0]!, { key: 'Enter' })
  expect(await screen.findByText('First signed by')).toBeTruthy()
  expect(view().textContent).toContain('digest: it has the SHA-256 that was given beforehand')
  expect(view().textContent).toContain(
    'https from 203.0.113.24, certificate issued by Corp Issuing CA 3 (Corp Trust Services)'
  )
  expect(view().textContent).toContain('First signed bystudio-2')
})

test('the details of a finished download say the same of its content', async () => {
  renderApp(fixtures.everyday(), 'downloads')
  fireEvent.click(await screen.findByRole('tab', { name: /Done/ }))
  fireEvent.keyDown(await screen.findByRole('row', { name: /inventory-agent/ }), { key: 'Enter' })
  expect(await screen.findByText('First signed by')).toBeTruthy()
  expect(view().textContent).toContain('Verified bychecked sample: what this PC compared is as the web server has it')
  expect(view().textContent).toContain('Web serverhttps://packages.corp.example/modules/inventory-agent-4.2.1.zip')
})
