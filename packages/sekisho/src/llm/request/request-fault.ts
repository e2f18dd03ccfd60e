/** Why a request for a reply is refused as malformed; caught by those who have it read. */
export class RequestFault extends Error {}
