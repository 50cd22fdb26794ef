// Symptom: after a 417 that arrives when a part of the body has been sent, libcurl sends the request again on the same
// connection: in the middle of the first body, and it continues the second one where the first one ended.
// Versions: 7.88.
// Workaround: the header callback fails, which ends libcurl's transfer. The agent then begins it again without the
// expectation, on a new connection.

extension Transfer {
    /// Whether a 417 was received after a part of the body was given to libcurl.
    var isRefusedInMidBody: Bool { download.head.tentativeStatus == 417 && upload.body.offset > 0 }

    /// Goes back to the beginning of the body, to send the request again without the expectation.
    ///
    /// - Returns: false if the body can no longer be read. Then the 417 is the response.
    func rewindWithoutExpectation() -> Bool {
        guard (try? upload.headerList.append("Expect:")) != nil, rewindBody() else { return false }
        if upload.hasOwnExpect { leaveOutExpect() }
        return true
    }
}
