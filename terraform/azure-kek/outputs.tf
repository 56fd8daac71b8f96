output "key_id" {
  description = "For Hasp: --key-id, with its version. Null for a key that is not made here."
  value       = var.create_key && local.is_vault ? azurerm_key_vault_key.kek[0].id : null
}

output "principal_id" {
  description = "Hasp's service principal in this tenant."
  value       = azuread_service_principal.hasp.object_id
}

output "tag_command" {
  description = "Only for a key that is not made here: puts the tag on the version that you register."
  value       = var.create_key || var.owner_nonce == null ? null : "az keyvault key set-attributes --id <key identifier with its version> --tags hasp-kek=${var.owner_nonce}"
}
