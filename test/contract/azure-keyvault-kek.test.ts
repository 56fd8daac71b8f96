import { describeAzureKek } from './azure-kek.ts'

describeAzureKek('vault')
