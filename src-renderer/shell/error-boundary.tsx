import { Component, type ReactNode } from 'react'
import { Button } from '@fluentui/react-components'
import { ErrorCircle24Regular } from '@fluentui/react-icons/svg/error-circle'
import { EmptyState } from '../parts/panel.tsx'

/** Keeps a defect in one view from taking the window away. */
export class ErrorBoundary extends Component<{ readonly children: ReactNode }, { readonly error: Error | null }> {
  override state: { readonly error: Error | null } = { error: null }

  static getDerivedStateFromError(error: unknown): { error: Error } {
    return { error: error instanceof Error ? error : new Error(String(error)) }
  }

  override render(): ReactNode {
    const { error } = this.state
    if (error === null) return this.props.children
    return (
      <EmptyState
        bad
        icon={<ErrorCircle24Regular />}
        title="This view broke"
        actions={<Button onClick={() => this.setState({ error: null })}>Draw it again</Button>}
      >
        The agent is not affected. {error.message}
      </EmptyState>
    )
  }
}
