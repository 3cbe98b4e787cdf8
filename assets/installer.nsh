; Larder-Setup.exe /S /INTEGRATION=off   installs with the integration off; helpdesk may turn it on later (`larder integration on`).
;
; An installation for all users recommends it in the machine policy, one for a single user writes it into that user's settings.
; A file that is there already is left as it is.

!macro customInstall
  ${If} $installMode == "all"
    SetShellVarContext all
    CreateDirectory "$APPDATA\Larder"
    ; Every user may make folders in ProgramData; only administrators may write the policy (SIDs: administrators, system, users).
    nsExec::Exec 'icacls "$APPDATA\Larder" /setowner *S-1-5-32-544'
    Pop $R2
    nsExec::Exec 'icacls "$APPDATA\Larder" /inheritance:r /grant:r *S-1-5-32-544:(OI)(CI)F *S-1-5-18:(OI)(CI)F *S-1-5-32-545:(OI)(CI)RX'
    Pop $R2
  ${EndIf}

  ${GetParameters} $R0
  ClearErrors
  ${GetOptions} $R0 "/INTEGRATION=" $R1
  ${IfNot} ${Errors}
  ${AndIf} $R1 == "off"
    ${If} $installMode == "all"
      !insertmacro writeUnlessThere "$APPDATA\Larder" "policy.json" '{ "by": "the installer", "recommended": { "integration": { "enabled": false } } }'
    ${Else}
      !insertmacro writeUnlessThere "$LOCALAPPDATA\larder\Data" "settings.json" '{ "integration": { "enabled": false } }'
    ${EndIf}
  ${EndIf}

  ${If} $installMode != "all"
    SetShellVarContext current
  ${EndIf}
!macroend

; What the application has set up for a login goes with it; an update runs the uninstaller too, and leaves it.
!macro customUnInstall
  ${IfNot} ${isUpdated}
    DeleteRegValue HKCU "Software\Microsoft\Windows\CurrentVersion\Run" "org.larder.larder"
    DeleteRegValue HKCU "Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run" "org.larder.larder"
  ${EndIf}
!macroend

!macro writeUnlessThere FOLDER FILE TEXT
  ${IfNot} ${FileExists} "${FOLDER}\${FILE}"
    CreateDirectory "${FOLDER}"
    FileOpen $R3 "${FOLDER}\${FILE}" w
    FileWrite $R3 '${TEXT}$\r$\n'
    FileClose $R3
  ${EndIf}
!macroend
