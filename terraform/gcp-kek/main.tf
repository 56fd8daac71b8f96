locals {
  is_federated = var.audience != null
  is_granted   = local.is_federated || var.hasp_service_account != null
}

module "grant" {
  source = "./grant"

  project              = var.project
  location             = var.location
  key_ring             = var.key_ring
  crypto_key           = var.crypto_key
  project_number       = var.project_number
  pool                 = var.pool
  audience             = var.audience
  hasp_subject         = var.hasp_subject
  hasp_service_account = var.hasp_service_account
  owner_nonce          = var.owner_nonce
}

resource "google_kms_key_ring" "kek" {
  count = var.create_key ? 1 : 0

  project  = var.project
  location = var.location
  name     = var.key_ring
}

resource "google_kms_crypto_key" "kek" {
  count = var.create_key ? 1 : 0

  key_ring        = google_kms_key_ring.kek[0].id
  name            = var.crypto_key
  purpose         = "ENCRYPT_DECRYPT"
  rotation_period = "7776000s"
  labels          = module.grant.labels

  version_template {
    algorithm        = "GOOGLE_SYMMETRIC_ENCRYPTION"
    protection_level = var.protection_level
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_iam_workload_identity_pool" "hasp" {
  count = local.is_federated ? 1 : 0

  project                   = var.project
  workload_identity_pool_id = var.pool
  description               = "Lets Hasp in, to wrap and unwrap with one key."
}

resource "google_iam_workload_identity_pool_provider" "hasp" {
  count = local.is_federated ? 1 : 0

  project                            = var.project
  workload_identity_pool_id          = google_iam_workload_identity_pool.hasp[0].workload_identity_pool_id
  workload_identity_pool_provider_id = var.pool_provider
  attribute_mapping                  = { "google.subject" = "assertion.sub" }
  attribute_condition                = module.grant.attribute_condition

  oidc {
    issuer_uri        = "https://accounts.google.com"
    allowed_audiences = [module.grant.allowed_audience]
  }
}

# On the key, and never on its ring or project.
resource "google_kms_crypto_key_iam_member" "hasp" {
  count = local.is_granted ? 1 : 0

  crypto_key_id = module.grant.key_name
  role          = module.grant.role
  member        = module.grant.member

  depends_on = [google_kms_crypto_key.kek, google_iam_workload_identity_pool_provider.hasp]
}

resource "google_project_iam_custom_role" "label" {
  count = local.is_granted && !local.is_federated ? 1 : 0

  project     = var.project
  role_id     = "haspReadsLabel"
  title       = "Hasp reads the label of one key"
  permissions = module.grant.label_permissions
}

resource "google_kms_crypto_key_iam_member" "label" {
  count = local.is_granted && !local.is_federated ? 1 : 0

  crypto_key_id = module.grant.key_name
  role          = google_project_iam_custom_role.label[0].name
  member        = module.grant.member

  depends_on = [google_kms_crypto_key.kek]
}

resource "google_project_iam_audit_config" "kms" {
  count = var.log_data_access ? 1 : 0

  project = var.project
  service = "cloudkms.googleapis.com"

  dynamic "audit_log_config" {
    for_each = module.grant.audit_log_types
    content {
      log_type = audit_log_config.value
    }
  }
}
