#!/bin/sh
# A stand-in for az. It writes each call to $AZ_STATE/calls, one a line, remembers what is created in $AZ_STATE, and answers
# from it. A call that it does not know fails, so that a script cannot use a command that nobody looked at.
set -eu
cd "$AZ_STATE"
line=
for argument in "$@"; do
  line="$line|$(printf '%s' "$argument" | tr '\n' '~')"
done
printf '%s\n' "${line#|}" >>calls

# value FLAG ARGUMENTS...: the argument after a flag
value() {
  flag=$1
  shift
  while [ $# -gt 1 ]; do
    if [ "$1" = "$flag" ]; then
      printf '%s' "$2"
      return 0
    fi
    shift
  done
}
created() {
  printf '%s\n' "$1" >>created
}
# key TEXT: a file name
key() {
  printf '%s' "$1" | cksum | tr -d ' '
}
text_of() {
  if [ -e "$1" ]; then cat "$1"; fi
}
query=$(value --query "$@")

# credentials: lines of NAME|ISSUER|SUBJECT|AUDIENCE
list_credentials() {
  touch credentials
  case $query in
    'length(@)') grep -c . credentials || true ;;
    "[?name=='"*)
      name=${query#*\'}
      name=${name%%\'*}
      awk -F '|' -v name="$name" '$1 == name { print $3; exit }' credentials
      ;;
    "[?issuer=='"*)
      issuer=${query#*\'}
      issuer=${issuer%%\'*}
      subject=${query#*subject==\'}
      subject=${subject%%\'*}
      awk -F '|' -v issuer="$issuer" -v subject="$subject" '$2 == issuer && $3 == subject { print $4; exit }' credentials
      ;;
    *) exit 2 ;;
  esac
}

case "$1 $2 $3" in
  'cloud show --query') echo "${AZ_CLOUD:-AzureCloud}" ;;
  'account show --subscription') echo "$TENANT" ;;
  'apim show --subscription')
    case $query in
      sku.name) echo "${AZ_TIER:-Premium}" ;;
      identity.type) text_of identity-type ;;
      identity.principalId) echo principal-of-instance ;;
      *) exit 2 ;;
    esac
    ;;
  'apim update --subscription')
    created instance-identity
    echo SystemAssigned >identity-type
    ;;
  'aks show --subscription')
    case $query in
      oidcIssuerProfile.enabled | securityProfile.workloadIdentity.enabled) text_of aks ;;
      oidcIssuerProfile.issuerUrl) echo "$AZ_ISSUER" ;;
      *) exit 2 ;;
    esac
    ;;
  'aks update --subscription')
    created aks
    echo true >aks
    ;;
  'resource show --ids')
    if [ ! -e "gateway-$(key "$(value --ids "$@")")" ]; then
      echo 'ERROR: (ResourceNotFound)' >&2
      exit "${AZ_MISSING:-3}"
    fi
    ;;
  'rest --method put')
    url=$(value --url "$@")
    created "gateway ${url##*/}"
    # the names of these tests have no percent-encoded characters, except in the test of hostile names
    : >"gateway-$(key "${url%%\?*}")"
    ;;
  'role definition list') text_of "role-$(key "$(value --name "$@")")" ;;
  'role definition create')
    name=$(value --role-definition "$@" | sed 's/.*"Name":"\([^"]*\)".*/\1/')
    created "role $name"
    echo "id of $name" >"role-$(key "$name")"
    echo "id of $name"
    ;;
  'role assignment list')
    text_of "assignment-$(key "$(value --role "$@")$(value --assignee "$@")$(value --scope "$@")")"
    ;;
  'role assignment create')
    created "assignment $(value --role "$@") to $(value --assignee-object-id "$@") on $(value --scope "$@")"
    echo assigned >"assignment-$(key "$(value --role "$@")$(value --assignee-object-id "$@")$(value --scope "$@")")"
    ;;
  'ad app list')
    text_of "app-$(key "$(value --filter "$@")")"
    ;;
  'ad app create')
    created "app $(value --display-name "$@")"
    echo new-client-id >"app-$(key "displayName eq '$(value --display-name "$@")'")"
    echo new-client-id
    ;;
  'ad sp list') text_of "sp-$(key "$(value --filter "$@")")" ;;
  'ad sp create')
    created "service principal $(value --id "$@")"
    echo "principal of $(value --id "$@")" >"sp-$(key "appId eq '$(value --id "$@")'")"
    echo "principal of $(value --id "$@")"
    ;;
  'ad app federated-credential')
    case $4 in
      list) list_credentials ;;
      create)
        json=$(value --parameters "$@")
        field() { printf '%s' "$json" | sed "s/.*\"$1\":\[*\"\([^\"]*\)\".*/\1/"; }
        created "credential $(field name)"
        printf '%s|%s|%s|%s\n' "$(field name)" "$(field issuer)" "$(field subject)" "$(field audiences)" >>credentials
        ;;
      *) exit 2 ;;
    esac
    ;;
  'identity list --subscription') text_of identity ;;
  'identity create --subscription')
    created "identity $(value --name "$@")"
    echo id-of-identity | tee identity
    ;;
  'identity show --ids') echo "$query" ;;
  'identity federated-credential list') list_credentials ;;
  'identity federated-credential create')
    created "credential $(value --name "$@")"
    printf '%s|%s|%s|%s\n' "$(value --name "$@")" "$(value --issuer "$@")" "$(value --subject "$@")" \
      "$(value --audiences "$@")" >>credentials
    ;;
  *)
    echo "the stand-in does not know: $*" >&2
    exit 2
    ;;
esac
