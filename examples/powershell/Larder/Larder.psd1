@{
    RootModule        = 'Larder.psm1'
    ModuleVersion     = '0.1.0'
    GUID              = '0f4c1f0e-6f0e-4a5b-9a35-9b6d1c7b1f42'
    Author            = 'The Larder authors'
    Description       = 'Downloads through Larder, and what its agent says, as PowerShell objects.'
    PowerShellVersion = '5.1'
    FunctionsToExport = @(
        'Invoke-Larder', 'Save-LarderFile', 'Get-LarderStatus', 'Get-LarderDownload', 'Stop-LarderDownload',
        'Suspend-LarderDownload', 'Resume-LarderDownload', 'Get-LarderEvent', 'Get-LarderReason', 'Test-Larder'
    )
    CmdletsToExport   = @()
    AliasesToExport   = @()
}
