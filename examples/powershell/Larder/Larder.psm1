# Larder for PowerShell: what the command `larder` says with --json, as objects.
#
#     Import-Module ./Larder
#     Save-LarderFile https://example.com/setup.msi C:\Temp\setup.msi
#     Get-LarderEvent -Last 20 | Format-Table

Set-StrictMode -Version Latest

function Invoke-Larder {
    <# .SYNOPSIS Runs any command of larder and returns its JSON as objects. An error of larder becomes an error whose ErrorId is the stable code. #>
    [CmdletBinding()]
    param([Parameter(Mandatory, ValueFromRemainingArguments)] [string[]] $Arguments)
    foreach ($line in (& larder @Arguments --json)) {
        $value = $line | ConvertFrom-Json
        if ($value.PSObject.Properties['error']) {
            $failure = $value.error
            $record = [System.Management.Automation.ErrorRecord]::new(
                [System.Exception]::new("$($failure.message) $($failure.next)"), $failure.code, 'NotSpecified', $null)
            $PSCmdlet.ThrowTerminatingError($record)
        }
        $value
    }
}

function Save-LarderFile {
    <# .SYNOPSIS Downloads a file: through the agent of this PC where there is one, directly otherwise. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, Position = 0)] [uri] $Uri,
        [Parameter(Mandatory, Position = 1)] [string] $Destination,
        # sha256-<base64> or 64 hex digits
        [string] $Integrity
    )
    $path = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Destination)
    $arguments = @('get', $Uri.OriginalString, '-o', $path)
    if ($Integrity -match '^[0-9a-fA-F]{64}$') { $arguments += @('--sha256', $Integrity) }
    elseif ($Integrity) { $arguments += @('--integrity', $Integrity) }
    Invoke-Larder @arguments
}

function Get-LarderStatus {
    <# .SYNOPSIS The agent of this PC in a few values. #>
    Invoke-Larder status
}

function Get-LarderDownload {
    <# .SYNOPSIS Downloads that run or have ended. #>
    (Invoke-Larder downloads).requests
}

function Stop-LarderDownload {
    <# .SYNOPSIS Cancels downloads; takes what Get-LarderDownload returns. #>
    param([Parameter(Mandatory, ValueFromPipelineByPropertyName)] [string] $Id)
    process { (Invoke-Larder cancel $Id).requests }
}

function Suspend-LarderDownload {
    <# .SYNOPSIS Pauses downloads. #>
    param([Parameter(Mandatory, ValueFromPipelineByPropertyName)] [string] $Id)
    process { (Invoke-Larder pause $Id).requests }
}

function Resume-LarderDownload {
    <# .SYNOPSIS Lets paused downloads go on. #>
    param([Parameter(Mandatory, ValueFromPipelineByPropertyName)] [string] $Id)
    process { (Invoke-Larder resume $Id).requests }
}

function Get-LarderEvent {
    <# .SYNOPSIS What has happened, oldest first. #>
    param([int] $Last = 100, [switch] $ErrorsOnly)
    $arguments = @('events', '--last', "$Last")
    if ($ErrorsOnly) { $arguments += '--errors' }
    Invoke-Larder @arguments
}

function Get-LarderReason {
    <# .SYNOPSIS Why a download came from where it did: by URL, part of it, or id. #>
    param([Parameter(Mandatory)] [string] $About)
    Invoke-Larder why $About
}

function Test-Larder {
    <# .SYNOPSIS Checks everything that sharing needs. #>
    Invoke-Larder doctor
}

Export-ModuleMember -Function *-Larder*
