output "key_name" {
  description = "For Hasp: --key-name."
  value       = "projects/${var.project}/locations/${var.location}/keyRings/${var.key_ring}/cryptoKeys/${var.crypto_key}"
}

output "member" {
  description = "Who is granted the role: an identity of your pool, or Hasp's service account."
  value       = local.principal
}

output "role" {
  description = "The least role that wraps and unwraps; on the key, never on its ring or project."
  value       = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
}

output "allowed_audience" {
  description = "The one audience that the provider accepts."
  value       = var.audience
}

output "attribute_condition" {
  description = "Lets Hasp in and nobody else."
  value       = local.is_federated ? "assertion.sub == '${coalesce(var.hasp_subject, "nobody")}'" : null
}

output "labels" {
  description = "Labels of the key: only a grant without a pool needs one."
  value       = local.is_federated || var.owner_nonce == null ? {} : { "hasp-kek" = var.owner_nonce }
}

output "label_permissions" {
  description = "What reading that label takes."
  value       = local.is_federated ? [] : ["cloudkms.cryptoKeys.get"]
}

output "audit_log_types" {
  description = "Google logs no use of a key unless told to."
  value       = ["ADMIN_READ", "DATA_READ", "DATA_WRITE"]
}
