# Every policy that Hasp needs, as text, from names alone: this module has no provider and makes nothing, so that the
# policies can be read, tested and reviewed without an AWS account.

locals {
  wrap_and_unwrap = {
    Sid       = "HaspWrapsAndUnwraps"
    Effect    = "Allow"
    Action    = ["kms:Encrypt", "kms:Decrypt"]
    Condition = { StringEquals = { "kms:EncryptionContext:hasp:org" = var.org_id } }
  }
  # Stands apart: DescribeKey carries no encryption context, so that a condition on one would always fail.
  describe = {
    Sid    = "HaspReadsTheKeyState"
    Effect = "Allow"
    Action = "kms:DescribeKey"
  }
  statements_for_key_policy = [
    for statement in [local.wrap_and_unwrap, local.describe] :
    merge(statement, { Principal = { AWS = var.role_arn }, Resource = "*" })
  ]
  account_administers = {
    Sid       = "TheAccountAdministersTheKey"
    Effect    = "Allow"
    Principal = { AWS = var.account_root_arn }
    Action    = "kms:*"
    Resource  = "*"
  }
}
