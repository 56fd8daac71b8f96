/** One CloudTrail event, in the shape of record version 1.11 (CloudTrail User Guide, "Record contents"). */
export type CloudTrailRecord = Readonly<{
  eventVersion: '1.11'
  userIdentity: Readonly<Record<string, unknown>>
  eventTime: string
  eventSource: string
  eventName: string
  awsRegion: string
  sourceIPAddress: string
  userAgent: string
  errorCode?: string
  errorMessage?: string
  requestParameters: Readonly<Record<string, unknown>> | null
  responseElements: Readonly<Record<string, unknown>> | null
  additionalEventData?: Readonly<Record<string, unknown>>
  requestID?: string
  eventID: string
  readOnly: boolean
  resources?: readonly Readonly<{ accountId: string; type: string; ARN: string }>[]
  eventType: 'AwsApiCall' | 'AwsServiceEvent'
  managementEvent: true
  recipientAccountId: string
  sharedEventID?: string
  eventCategory: 'Management'
}>

/** What an event says besides who gets it. */
export type EventContent = Omit<CloudTrailRecord, 'eventID' | 'recipientAccountId' | 'sharedEventID'>
