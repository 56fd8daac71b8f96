provider "aws" {
  region = "eu-central-1"
}

# First without external_id: makes the key. Register it (terraform output -raw register_command), then apply again with
# the external_id that Hasp answered.
module "hasp_kek" {
  source = "../.."

  hasp_principal_arn = "arn:aws:iam::444455556666:role/hasp"
  org_id             = "01980f3e-7a00-7000-8000-000000000001"
  # external_id      = "hasp-…"
}

output "register_command" {
  value = module.hasp_kek.register_command
}
