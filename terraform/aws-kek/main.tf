data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  is_key_made = var.kms_key_arn == null
  is_granted  = var.external_id != null
  account_arn = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}"
  role_arn    = "${local.account_arn}:role${var.role_path}${var.role_name}"
  key_arn     = local.is_key_made ? aws_kms_key.kek[0].arn : var.kms_key_arn
}

module "policies" {
  source = "./policies"

  org_id             = var.org_id
  external_id        = var.external_id
  hasp_principal_arn = var.hasp_principal_arn
  role_arn           = local.role_arn
  key_arn            = local.key_arn
  account_root_arn   = "${local.account_arn}:root"
}

# Single-region, because disabling a multi-region key in one region revokes nothing in the others.
resource "aws_kms_key" "kek" {
  count = local.is_key_made ? 1 : 0

  description             = var.key_description
  key_usage               = "ENCRYPT_DECRYPT"
  multi_region            = false
  enable_key_rotation     = true
  deletion_window_in_days = var.deletion_window_in_days
  tags                    = var.tags
}

# Apart from the key: KMS refuses a policy that names a role which does not exist yet.
resource "aws_kms_key_policy" "kek" {
  count = local.is_key_made ? 1 : 0

  key_id = aws_kms_key.kek[0].id
  policy = module.policies.key_policy

  depends_on = [aws_iam_role.hasp]
}

resource "aws_iam_role" "hasp" {
  count = local.is_granted ? 1 : 0

  name                 = var.role_name
  path                 = var.role_path
  description          = "Hasp wraps and unwraps data keys with one KMS key, for one organisation."
  assume_role_policy   = module.policies.trust_policy
  max_session_duration = 3600
  tags                 = var.tags
}

resource "aws_iam_role_policy" "hasp" {
  count = local.is_granted ? 1 : 0

  name   = "hasp-kek"
  role   = aws_iam_role.hasp[0].id
  policy = module.policies.permissions_policy
}

# Whatever else is attached to the role by hand is taken off again: Hasp gets this and no more.
resource "aws_iam_role_policies_exclusive" "hasp" {
  count = local.is_granted ? 1 : 0

  role_name    = aws_iam_role.hasp[0].name
  policy_names = [aws_iam_role_policy.hasp[0].name]
}

resource "aws_iam_role_policy_attachments_exclusive" "hasp" {
  count = local.is_granted ? 1 : 0

  role_name   = aws_iam_role.hasp[0].name
  policy_arns = []
}
