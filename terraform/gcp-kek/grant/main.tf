# Everything that Hasp is granted, from names alone: this module has no provider and makes nothing, so that the grant
# can be read, tested and reviewed without a project.

locals {
  is_federated = var.audience != null
  principal    = local.is_federated ? "principal://iam.googleapis.com/projects/${coalesce(var.project_number, 0)}/locations/global/workloadIdentityPools/${var.pool}/subject/${coalesce(var.hasp_subject, "nobody")}" : "serviceAccount:${coalesce(var.hasp_service_account, "nobody@invalid")}"
}
