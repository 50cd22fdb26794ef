internal import CCurl

/// What libcurl needs help with where a request expects a 100 or has got a 417.
extension Transfer {
    /// Whether a 417 has come which libcurl must not answer by itself, since part of the body has been given to
    /// it: 7.88 would send the request again on the same connection, in the middle of the first body, and go on
    /// in the second where it was in the first. The header callback fails then, which ends libcurl's transfer.
    var isRefusedInMidBody: Bool { download.head.tentativeStatus == 417 && upload.body.offset > 0 }

    /// Goes back in the body, to begin again without the expectation.
    ///
    /// - Returns: false if what has been sent of it can no longer be read: then the 417 is the response.
    func restartWithoutExpectation() -> Bool {
        guard upload.body.rewind() else { return false }
        if upload.hasOwnExpect { leaveOutExpect() }
        do throws(CurlError) {
            try upload.headerList.append("Expect:")
        } catch {
            return false
        }
        upload.held = []
        machine.bodyRewound()
        return true
    }

    /// Whether libcurl may be waiting for a 100 for ever: an answer came in its place, whose content nobody reads before
    /// the body has been given. 7.88 begins the wait anew when that content comes, but not its timer.
    var mayBeForgotten: Bool { machine.upload == .flowing && machine.download == .blocked && upload.body.offset == 0 }

    /// Has libcurl look at the transfer, which it does when a pause ends.
    func nudge() {
        easy.pause(CURLPAUSE_ALL)
        easy.pause(CURLPAUSE_RECV)
    }
}
