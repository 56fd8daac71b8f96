# Everything that Hasp is granted, from names alone: this module has no provider and makes nothing, so that the grant
# can be read, tested and reviewed without a subscription.

output "role_name" {
  description = "The least role that wraps and unwraps: metadata, wrap and unwrap of keys."
  value       = var.store == "vault" ? "Key Vault Crypto Service Encryption User" : "Managed HSM Crypto Service Encryption User"
}

output "role_definition_id" {
  description = "The same by its id, which is the same in every tenant."
  value       = var.store == "vault" ? "e147488a-f6f5-4113-8e2d-b22465e65bf6" : "33413926-3206-4cdd-b39a-83574fe37a17"
}

output "scope" {
  description = "Below the vault or HSM: this one key."
  value       = "/keys/${var.key_name}"
}

output "key_type" {
  description = "What Hasp wraps with: RSA in a vault, AES in an HSM."
  value       = var.store == "vault" ? "RSA-HSM" : "oct-HSM"
}

output "key_operations" {
  description = "All that the key is for."
  value       = ["wrapKey", "unwrapKey"]
}

output "tags" {
  description = "Tags of the key's version, which show whose it is."
  value       = var.owner_nonce == null ? {} : { "hasp-kek" = var.owner_nonce }
}

output "log_category" {
  description = "Azure logs no use of a key without a diagnostic setting of this category."
  value       = "AuditEvent"
}
