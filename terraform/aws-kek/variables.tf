variable "hasp_principal_arn" {
  description = "Principal that Hasp runs as: the full ARN of one role or user. Hasp shows it when you register the KEK."
  type        = string
}

variable "org_id" {
  description = "Id of your organisation in Hasp: the only one whose records the grant opens."
  type        = string
}

variable "external_id" {
  description = "ExternalId that Hasp made for this KEK. Leave it out at first: the key is made, and nothing is granted yet."
  type        = string
  default     = null
}

variable "kms_key_arn" {
  description = "A key that you have: the full ARN of a symmetric single-region KMS key. Without it a key is made."
  type        = string
  default     = null
}

variable "role_name" {
  description = "Name of the role that Hasp assumes. One role for each KEK."
  type        = string
  default     = "hasp-kek"

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.role_name))
    error_message = "role_name must be a name that IAM takes: up to 64 letters, digits and +=,.@_-."
  }
}

variable "role_path" {
  description = "Path of the role; begins and ends with a slash."
  type        = string
  default     = "/"

  validation {
    condition     = can(regex("^/([!-~]+/)?$", var.role_path))
    error_message = "role_path must begin and end with a slash."
  }
}

variable "key_description" {
  description = "Description of a key that is made here."
  type        = string
  default     = "KEK of Hasp: seals the credentials of LLM providers"
}

variable "deletion_window_in_days" {
  description = "How long a key that is made here can be saved after its deletion was scheduled."
  type        = number
  default     = 30

  validation {
    condition     = var.deletion_window_in_days >= 7 && var.deletion_window_in_days <= 30
    error_message = "deletion_window_in_days must be from 7 to 30."
  }
}

variable "tags" {
  description = "Tags of what is made here."
  type        = map(string)
  default     = {}
}
