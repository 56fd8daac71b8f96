output "kms_key_arn" {
  description = "For Hasp: --key-arn."
  value       = local.key_arn
}

output "role_arn" {
  description = "For Hasp: --role-arn. The role itself is made once there is an external_id."
  value       = local.role_arn
}

output "register_command" {
  description = "Registers the KEK; Hasp answers with the external_id."
  value       = "hasp kek register --provider aws --name kek --key-arn ${local.key_arn} --role-arn ${local.role_arn}"
}

output "key_policy_statements" {
  description = "Only for a key that you have, and only where its policy does not leave the decision to IAM: add these."
  value       = local.is_key_made ? null : module.policies.key_policy_statements
}
