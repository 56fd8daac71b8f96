output "key_name" {
  description = "For Hasp: --key-name."
  value       = module.grant.key_name
}

output "identity_provider" {
  description = "For Hasp: --identity-provider. The provider itself is made once there is an audience."
  value       = var.project_number == null ? null : "projects/${var.project_number}/locations/global/workloadIdentityPools/${var.pool}/providers/${var.pool_provider}"
}

output "label_command" {
  description = "Only for a key that you have and a grant without a pool: puts the label on the key."
  value       = var.create_key || local.is_federated || var.owner_nonce == null ? null : "gcloud kms keys update ${var.crypto_key} --project=${var.project} --location=${var.location} --keyring=${var.key_ring} --update-labels=hasp-kek=${var.owner_nonce}"
}
