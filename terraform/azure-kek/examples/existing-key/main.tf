provider "azurerm" {
  features {}
}

module "hasp_kek" {
  source = "../.."

  hasp_client_id = "11111111-2222-4333-8444-555555555555"
  managed_hsm_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/security/providers/Microsoft.KeyVault/managedHSMs/customer-one"
  key_name       = "llm-credentials"
  owner_nonce    = "hasp-01980f3e-7a00-7000-8000-000000000003"
}

output "tag_command" {
  value = module.hasp_kek.tag_command
}
