provider "azurerm" {
  features {}
}

# First without owner_nonce: makes the key and grants the role. Register it by its key_id, then apply again with the
# owner_nonce that Hasp answered.
module "hasp_kek" {
  source = "../.."

  hasp_client_id = "11111111-2222-4333-8444-555555555555"
  key_vault_id   = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/security/providers/Microsoft.KeyVault/vaults/customer-one"
  create_key     = true
  # owner_nonce  = "hasp-…"
}

output "key_id" {
  value = module.hasp_kek.key_id
}
