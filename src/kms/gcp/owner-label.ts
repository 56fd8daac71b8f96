/** Where the owner of a key that is granted directly puts the word that Hasp made for it. */
export const OWNER_LABEL = 'hasp-kek'
/** What reading that label takes. */
export const LABEL_PERMISSION = 'cloudkms.cryptoKeys.get'
