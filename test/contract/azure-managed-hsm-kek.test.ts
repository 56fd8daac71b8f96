import { describeAzureKek } from './azure-kek.ts'

describeAzureKek('managed-hsm')
