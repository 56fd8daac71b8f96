provider "google" {
  project = "customer-one"
}

# Weaker than a pool: see the README.
module "hasp_kek" {
  source = "../.."

  project              = "customer-one"
  location             = "europe-west3"
  key_ring             = "security"
  crypto_key           = "llm-credentials"
  hasp_service_account = "hasp-runs@hasp-service.iam.gserviceaccount.com"
  owner_nonce          = "hasp-01980f3e-7a00-7000-8000-000000000003"
}

output "label_command" {
  value = module.hasp_kek.label_command
}
