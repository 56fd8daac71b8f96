variable "store" {
  description = "Where the key is: vault or managed-hsm."
  type        = string

  validation {
    condition     = contains(["vault", "managed-hsm"], var.store)
    error_message = "store must be vault or managed-hsm."
  }
}

variable "key_name" {
  description = "Name of the key."
  type        = string

  validation {
    condition     = can(regex("^[0-9A-Za-z-]{1,127}$", var.key_name))
    error_message = "key_name must be 1 to 127 letters, digits and hyphens: a name, not an identifier."
  }
}

variable "owner_nonce" {
  description = "Word that Hasp made for this KEK; null as long as the KEK is not registered."
  type        = string
  default     = null

  validation {
    condition     = var.owner_nonce == null || can(regex("^hasp-[0-9a-f-]{36}$", var.owner_nonce))
    error_message = "owner_nonce must be the one that Hasp made for this KEK: hasp- and a UUID."
  }
}
