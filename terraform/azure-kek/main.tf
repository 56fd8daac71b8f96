locals {
  is_vault = var.key_vault_id != null
  store_id = local.is_vault ? var.key_vault_id : var.managed_hsm_id
  # What tokens for it are for; in another cloud than the public one its own.
  resource = local.is_vault ? "https://vault.azure.net" : "https://managedhsm.azure.net"
}

module "grant" {
  source = "./grant"

  store       = local.is_vault ? "vault" : "managed-hsm"
  key_name    = var.key_name
  owner_nonce = var.owner_nonce
}

# The consent: makes Hasp's application known in this tenant, without any right of its own.
resource "azuread_service_principal" "hasp" {
  client_id    = var.hasp_client_id
  use_existing = true
}

resource "azurerm_key_vault_key" "kek" {
  count = var.create_key && local.is_vault ? 1 : 0

  name         = var.key_name
  key_vault_id = var.key_vault_id
  key_type     = module.grant.key_type
  key_size     = var.key_size
  key_opts     = module.grant.key_operations
  tags         = module.grant.tags
}

# On the key, and never on the vault, its resource group or subscription.
resource "azurerm_role_assignment" "hasp" {
  count = local.is_vault ? 1 : 0

  scope                = "${var.key_vault_id}${module.grant.scope}"
  role_definition_name = module.grant.role_name
  principal_id         = azuread_service_principal.hasp.object_id
  principal_type       = "ServicePrincipal"

  depends_on = [azurerm_key_vault_key.kek]
}

resource "azurerm_key_vault_managed_hardware_security_module_role_assignment" "hasp" {
  count = local.is_vault ? 0 : 1

  name               = uuidv5("url", "${var.managed_hsm_id}${module.grant.scope}/${var.hasp_client_id}")
  managed_hsm_id     = var.managed_hsm_id
  scope              = module.grant.scope
  role_definition_id = "/Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/${module.grant.role_definition_id}"
  principal_id       = azuread_service_principal.hasp.object_id
}

resource "azurerm_monitor_diagnostic_setting" "hasp" {
  count = var.log_analytics_workspace_id == null ? 0 : 1

  name                       = "hasp"
  target_resource_id         = local.store_id
  log_analytics_workspace_id = var.log_analytics_workspace_id

  enabled_log {
    category = module.grant.log_category
  }
}
