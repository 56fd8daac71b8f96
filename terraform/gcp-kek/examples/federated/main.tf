provider "google" {
  project = "customer-one"
}

# Register the KEK first: the names of key and provider are known before they exist, and Hasp answers with the audience.
module "hasp_kek" {
  source = "../.."

  project        = "customer-one"
  project_number = "123456789012"
  location       = "europe-west3"
  create_key     = true
  audience       = "hasp-0f3e7a00-1111-4222-8333-444455556666"
  hasp_subject   = "104857600000000000001"
}

output "identity_provider" {
  value = module.hasp_kek.identity_provider
}
