variable "project" {
  description = "Id of the project that the key is in."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9.-]{1,63}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project must be the id of a project, not its number."
  }
}

variable "location" {
  description = "Location of the key ring."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,62}$", var.location))
    error_message = "location must be one of Google Cloud's, such as europe-west3."
  }
}

variable "key_ring" {
  description = "Name of the key ring."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,63}$", var.key_ring))
    error_message = "key_ring must be 1 to 63 letters, digits, \"_\" and \"-\"."
  }
}

variable "crypto_key" {
  description = "Name of the key."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,63}$", var.crypto_key))
    error_message = "crypto_key must be 1 to 63 letters, digits, \"_\" and \"-\"."
  }
}

variable "project_number" {
  description = "Number of the project that the pool is in."
  type        = string
  default     = null

  validation {
    condition     = var.project_number == null || can(regex("^[0-9]+$", var.project_number))
    error_message = "project_number must be the number of a project, not its id."
  }
}

variable "pool" {
  description = "Workload identity pool that lets Hasp in."
  type        = string
  default     = "hasp-pool"
}

variable "audience" {
  description = "Audience that Hasp made for this KEK; null for a grant to Hasp's own service account."
  type        = string
  default     = null

  validation {
    condition     = var.audience == null || can(regex("^hasp-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", var.audience))
    error_message = "audience must be the one that Hasp made for this KEK: hasp- and a UUID."
  }
}

variable "hasp_subject" {
  description = "Unique id of the service account that Hasp runs as."
  type        = string
  default     = null

  validation {
    condition     = var.hasp_subject == null || can(regex("^[0-9]{6,30}$", var.hasp_subject))
    error_message = "hasp_subject must be the unique id (digits) of Hasp's service account, not its e-mail."
  }
}

variable "hasp_service_account" {
  description = "E-mail of the service account that Hasp runs as, for a grant without a pool."
  type        = string
  default     = null

  validation {
    condition     = var.hasp_service_account == null || can(regex("^[^@:*\\s]+@[^@:*\\s]+$", var.hasp_service_account))
    error_message = "hasp_service_account must be the e-mail of one service account."
  }
}

variable "owner_nonce" {
  description = "Word that Hasp made for this KEK, which proves the owner of a key that is granted without a pool."
  type        = string
  default     = null

  validation {
    condition     = var.owner_nonce == null || can(regex("^hasp-[0-9a-f-]{36}$", var.owner_nonce))
    error_message = "owner_nonce must be the one that Hasp made for this KEK: hasp- and a UUID."
  }
}
