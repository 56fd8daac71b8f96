import type { MessageType } from './protobuf.ts'

/** google.iam.v1, as far as the emulator knows it. Log types travel as numbers. */
const auditLogConfig: MessageType = [
  { id: 1, name: 'logType', kind: 'int32' },
  { id: 2, name: 'exemptedMembers', kind: 'string', isRepeated: true },
]
const auditConfig: MessageType = [
  { id: 1, name: 'service', kind: 'string' },
  { id: 3, name: 'auditLogConfigs', kind: auditLogConfig, isRepeated: true },
]
const condition: MessageType = [
  { id: 1, name: 'expression', kind: 'string' },
  { id: 2, name: 'title', kind: 'string' },
  { id: 3, name: 'description', kind: 'string' },
]
const binding: MessageType = [
  { id: 1, name: 'role', kind: 'string' },
  { id: 2, name: 'members', kind: 'string', isRepeated: true },
  { id: 3, name: 'condition', kind: condition },
]

export const policyMessage: MessageType = [
  { id: 1, name: 'version', kind: 'int32' },
  { id: 3, name: 'etag', kind: 'bytes' },
  { id: 4, name: 'bindings', kind: binding, isRepeated: true },
  { id: 6, name: 'auditConfigs', kind: auditConfig, isRepeated: true },
]
export const getIamPolicyRequest: MessageType = [{ id: 1, name: 'resource', kind: 'string' }]
export const setIamPolicyRequest: MessageType = [
  { id: 1, name: 'resource', kind: 'string' },
  { id: 2, name: 'policy', kind: policyMessage },
]
export const testIamPermissionsRequest: MessageType = [
  { id: 1, name: 'resource', kind: 'string' },
  { id: 2, name: 'permissions', kind: 'string', isRepeated: true },
]
export const testIamPermissionsResponse: MessageType = [
  { id: 1, name: 'permissions', kind: 'string', isRepeated: true },
]

/** google.iam.v1.AuditLogConfig.LogType */
export const logTypes = ['LOG_TYPE_UNSPECIFIED', 'ADMIN_READ', 'DATA_WRITE', 'DATA_READ'] as const
