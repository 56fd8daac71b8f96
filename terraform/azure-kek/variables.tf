variable "hasp_client_id" {
  description = "Client id of the multi-tenant application that Hasp is. Hasp shows it when you register the KEK."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.hasp_client_id))
    error_message = "hasp_client_id must be a GUID in lower case."
  }
}

variable "key_vault_id" {
  description = "Resource id of the vault, which must use Azure RBAC."
  type        = string
  default     = null
}

variable "managed_hsm_id" {
  description = "Resource id of the Managed HSM, in place of a vault."
  type        = string
  default     = null
}

variable "key_name" {
  description = "Name of the key."
  type        = string
  default     = "hasp-kek"
}

variable "create_key" {
  description = "Make the key, in a vault. A key that is made here is for wrapping and unwrapping alone."
  type        = bool
  default     = false
}

variable "key_size" {
  description = "Of a key that is made here: 2048, 3072 or 4096."
  type        = number
  default     = 3072

  validation {
    condition     = contains([2048, 3072, 4096], var.key_size)
    error_message = "key_size must be 2048, 3072 or 4096."
  }
}

variable "owner_nonce" {
  description = "Word that Hasp made for this KEK. Leave it out at first: it shows whose the key is once Hasp has made it."
  type        = string
  default     = null
}

variable "log_analytics_workspace_id" {
  description = "Where every use of the key is logged. Without one no diagnostic setting is made, and Azure logs nothing."
  type        = string
  default     = null
}
