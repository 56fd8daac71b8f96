provider "aws" {
  region = "eu-central-1"
}

module "hasp_kek" {
  source = "../.."

  hasp_principal_arn = "arn:aws:iam::444455556666:role/hasp"
  org_id             = "01980f3e-7a00-7000-8000-000000000001"
  external_id        = "hasp-0f3e7a00-1111-4222-8333-444455556666"
  kms_key_arn        = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  role_name          = "hasp-production"
}

# Empty where the policy of the key leaves the decision to IAM (the default policy does).
output "key_policy_statements" {
  value = module.hasp_kek.key_policy_statements
}
