internal import CCurl

// Symptom: the server sends a response instead of a 100, with more content than the reader takes at once. The request waits
// for a 100 for ever: when that content arrives, libcurl begins to wait again, but without a timer.
// Versions: 7.88 to 8.6.
// Workaround: the agent wakes libcurl every 100 ms; see `AgentLoop.wakeStalledExpectations()`.

extension Transfer {
    /// Whether libcurl may be waiting for a 100 without a timer: content of a response is blocked, and libcurl has not
    /// asked for the body yet.
    var isExpectationStalled: Bool {
        machine.upload == .flowing && machine.download == .blocked && upload.body.offset == 0
    }

    /// Makes libcurl check the transfer, which it does when a pause ends.
    func wakeStalledExpectation() {
        easy.pause(CURLPAUSE_ALL)
        easy.pause(CURLPAUSE_RECV)
    }
}
