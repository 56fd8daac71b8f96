variable "project" {
  description = "Id of the project that the key is in."
  type        = string
}

variable "location" {
  description = "Location of the key ring."
  type        = string
}

variable "key_ring" {
  description = "Name of the key ring."
  type        = string
  default     = "hasp"
}

variable "crypto_key" {
  description = "Name of the key."
  type        = string
  default     = "kek"
}

variable "create_key" {
  description = "Make the key ring and the key. Keys of Google can not be deleted again."
  type        = bool
  default     = false
}

variable "protection_level" {
  description = "Of a key that is made here: SOFTWARE or HSM."
  type        = string
  default     = "HSM"

  validation {
    condition     = contains(["SOFTWARE", "HSM"], var.protection_level)
    error_message = "protection_level must be SOFTWARE or HSM."
  }
}

variable "project_number" {
  description = "Number of the project, which the pool is made in."
  type        = string
  default     = null
}

variable "pool" {
  description = "Name of the workload identity pool that is made here."
  type        = string
  default     = "hasp-pool"
}

variable "pool_provider" {
  description = "Name of the provider in it."
  type        = string
  default     = "hasp"
}

variable "audience" {
  description = "Audience that Hasp made for this KEK. With it a pool of yours lets Hasp in: recommended."
  type        = string
  default     = null
}

variable "hasp_subject" {
  description = "Unique id of the service account that Hasp runs as, for the pool."
  type        = string
  default     = null
}

variable "hasp_service_account" {
  description = "E-mail of the service account that Hasp runs as, for a grant without a pool."
  type        = string
  default     = null
}

variable "owner_nonce" {
  description = "Word that Hasp made for this KEK, for a grant without a pool."
  type        = string
  default     = null
}

variable "log_data_access" {
  description = "Log every use of Cloud KMS in the project. Replaces the audit configuration of this one service."
  type        = bool
  default     = true
}
