variable "org_id" {
  description = "Id of your organisation in Hasp: the only one whose records the grant opens."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", var.org_id))
    error_message = "org_id must be the UUID that Hasp shows, in lower case."
  }
}

variable "external_id" {
  description = "ExternalId that Hasp made for this KEK; null as long as the KEK is not registered."
  type        = string
  default     = null

  validation {
    condition     = var.external_id == null || can(regex("^hasp-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", var.external_id))
    error_message = "external_id must be the one that Hasp made for this KEK: hasp- and a UUID."
  }
}

variable "hasp_principal_arn" {
  description = "Principal that Hasp runs as: the full ARN of one role or user."
  type        = string

  validation {
    condition     = can(regex("^arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:(role|user)/[^*?]+$", var.hasp_principal_arn))
    error_message = "hasp_principal_arn must be the full ARN of one IAM role or user: no account, no wildcard."
  }
}

variable "role_arn" {
  description = "Role in your account that Hasp assumes."
  type        = string
}

variable "key_arn" {
  description = "The KMS key: its full ARN, never an alias."
  type        = string

  validation {
    condition     = can(regex("^arn:aws(-cn|-us-gov)?:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9a-f-]+$", var.key_arn))
    error_message = "key_arn must be the full ARN of one single-region KMS key (arn:aws:kms:…:key/…), not an alias."
  }
}

variable "account_root_arn" {
  description = "Root of the account of the key, which administers it through its own IAM policies."
  type        = string
}
