/** Where the owner of a key puts the word that Hasp made for it. */
export const OWNER_TAG = 'hasp-kek'
