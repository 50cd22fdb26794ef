// Symptom: the server refuses the body and closes the connection while libcurl is sending. The next send fails, and libcurl
// reports that instead of the response.
// Versions: 7.88 to 8.23, all that were tested.
// Workaround: before bytes are given to libcurl, the socket is checked. If a response may be waiting, the bytes are kept
// (state `yielding`) until libcurl has read it. If the response arrives between the check and the send, `SocketTracker`
// reads it when libcurl closes the socket, and `UnreadResponse` parses it. With TLS it is lost in that case.

extension Transfer {
    private static let maximumYieldsWithoutAnswer = 4

    /// Whether the bytes on the socket may be a response. With TLS and HTTP/2 they are often something else: session
    /// tickets, or window updates again and again. So after four interruptions without a response, only the end of the
    /// connection counts. (HTTP/2 can receive a response while it sends.)
    var mayBeAnswered: Bool {
        switch easy.sockets.peek() {
        case .nothing: false
        case .bytes(isHungUp: false): upload.yieldsWithoutAnswer < Self.maximumYieldsWithoutAnswer
        case .bytes(isHungUp: true), .hangUp: true
        }
    }

    /// Ends the transfer with a refusal that was received before a send failed.
    ///
    /// - Returns: false if there is none.
    func takeUnreadResponse() -> Bool {
        guard machine.download == .awaitingHead, upload.failure == nil,
            let answer = UnreadResponse(
                easy.sockets.unread, head: &download.head,
                onInterim: { [upload] in upload.observer?.received(interim: $0, $1) }), answer.status >= 300
        else { return false }
        finalHeadReceived(status: answer.status)
        _ = answer.content.withUnsafeBytes { download.content.append($0) }
        let error = ClientError(
            .connectionLost, "the connection was lost before the content of the response was complete")
        end(answer.isComplete ? nil : error)
        return true
    }
}
