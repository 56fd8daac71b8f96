output "trust_policy" {
  description = "Who may assume the role: Hasp alone, and only with the ExternalId."
  value = var.external_id == null ? null : jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "HaspAssumesThisRole"
      Effect    = "Allow"
      Principal = { AWS = var.hasp_principal_arn }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "sts:ExternalId" = var.external_id } }
    }]
  })
}

output "permissions_policy" {
  description = "What the role may do: wrap and unwrap for one organisation with one key, and read its state."
  value = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for statement in [local.wrap_and_unwrap, local.describe] :
      merge(statement, { Resource = var.key_arn })
    ]
  })
}

output "key_policy" {
  description = "Policy of a key that is made for this: its account administers it, the role uses it."
  value = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [local.account_administers],
      [for statement in local.statements_for_key_policy : statement if var.external_id != null],
    )
  })
}

output "key_policy_statements" {
  description = "To be added to the policy of a key that you have, where it does not leave the decision to IAM."
  value       = jsonencode(local.statements_for_key_policy)
}
