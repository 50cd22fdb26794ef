internal import CCurl

// Symptom: the server has closed a kept connection. libcurl sends the request again if it notices that while reading, but
// not if a send fails, nor while sending is paused.
// Versions: 7.88 to 8.23, all that were tested.
// Workaround: the agent begins the transfer again in those cases, also only if not a byte of a response was received.

extension Transfer {
    /// Goes back to the beginning of the body, to send the request again on a new connection.
    ///
    /// - Returns: false if the connection was new, if a byte of a response was received, or if the body can no longer be
    ///   read.
    func rewindOnDeadConnection() -> Bool {
        guard machine.download == .awaitingHead, download.head.isUntouched, easy.long(CURLINFO_NUM_CONNECTS) == 0
        else { return false }
        return upload.isBodyCopied || rewindBody()
    }
}
