output "key_id" {
  description = "For Hasp: --key-id, with its version. Null for a key that is not made here."
  value       = var.create_key && local.is_vault ? azurerm_key_vault_key.kek[0].id : null
}

output "principal_id" {
  description = "Hasp's service principal in this tenant."
  value       = azuread_service_principal.hasp.object_id
}

output "tag_command" {
  description = "Only for a key that is not made here: puts the tag on the version that you register, and keeps its other tags (Azure replaces all of them at once)."
  value       = var.create_key || var.owner_nonce == null ? null : <<-EOT
    VERSION_URL='<key identifier with its version>?api-version=7.4'
    TAGS=$(az rest --method get --resource ${local.resource} --url "$VERSION_URL" --output json \
      --query '{tags: merge(tags || `{}`, `{"hasp-kek": "${var.owner_nonce}"}`)}') &&
      az rest --method patch --resource ${local.resource} --url "$VERSION_URL" --body "$TAGS" --output none
  EOT
}
